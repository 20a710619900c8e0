-- name: lock_index
-- First statement of a claiming transaction. One claimer of an index at a time, else two claims could hold one key: the
-- next statement's snapshot is younger than this lock, and so sees every claim that was committed under it.
SELECT paused OR (paused_until > clock_timestamp()) IS TRUE OR detached_at IS NOT NULL FROM outbox.index WHERE id = %(index)s FOR NO KEY UPDATE;

-- name: free
-- Does an event of the lane wait whose key neither a claim in flight holds nor a suspect is? Without a lock: to lock the
-- index for a claim of nothing costs a flush of the WAL. In the order of the partial index, which EXISTS would drop: else
-- all events are read where most of them wait.
WITH held AS MATERIALIZED (
    SELECT key FROM outbox.event
    WHERE suspect > 0 AND done_at IS NULL AND index = %(index)s AND target = %(queue)s
    UNION ALL
    SELECT unnest(keys) FROM outbox.claim WHERE target = %(target)s AND ended_at IS NULL
)
SELECT (
    SELECT id FROM outbox.event
    WHERE key NOT IN (SELECT key FROM held) AND key IS NOT NULL AND suspect = 0 AND done_at IS NULL AND dead_at IS NULL
        AND index = %(index)s AND target = %(queue)s AND lane = %(lane)s::outbox.lane
        AND available_at <= clock_timestamp()
    ORDER BY available_at, id LIMIT 1
) IS NOT NULL;

-- name: claim
-- The oldest available events of one lane, without the keys of claims in flight to the target, many events of a key as
-- one document. `queue` is 0 for the serving target, else the target's id. At most `window` events are looked at, so
-- that a hot key with 100,000 events costs a bounded time. `avoid`: a claim whose keys are left out too, for a probe; or
-- null. `since`: what could be taken before is left out; or null. Where many are done, the way to the first that waits is
-- long until they are vacuumed (3.0 to 5.3 ms in ninety seconds of a replay). The window functions stay: a join took 50 to
-- 148 ms without statistics, this form 8 to 11 at a million waiting events. Its commit is not waited for on the disk: that of `begin` is,
-- which comes after it in the WAL, and before it nothing is written to Solr under the number. Whether claiming is allowed
-- is looked at again: in one message with `lock_index`, nobody reads what that says.
WITH held AS MATERIALIZED (
    SELECT unnest(keys) AS key FROM outbox.claim WHERE target = %(target)s AND ended_at IS NULL
    UNION ALL
    SELECT key FROM outbox.event
    WHERE index = %(index)s AND target = %(queue)s AND suspect > 0 AND done_at IS NULL
    UNION ALL
    SELECT unnest(keys) FROM outbox.claim WHERE number = %(avoid)s
), looked_at AS MATERIALIZED (
    SELECT id, key, available_at FROM outbox.event
    WHERE index = %(index)s AND target = %(queue)s AND lane = %(lane)s::outbox.lane AND key IS NOT NULL
        AND suspect = 0 AND done_at IS NULL AND dead_at IS NULL AND available_at <= clock_timestamp()
        AND available_at >= coalesce(%(since)s::timestamptz, '-infinity') AND key NOT IN (SELECT key FROM held)
    ORDER BY available_at, id LIMIT %(window)s
), firsts AS (
    SELECT id, key, min(id) OVER (PARTITION BY key) AS first FROM looked_at
), ranked AS (
    SELECT id, key, first, dense_rank() OVER (ORDER BY first) AS place FROM firsts
), quick AS (
    SELECT set_config('synchronous_commit', 'off', true) AS mode FROM outbox.index
    WHERE id = %(index)s AND NOT (paused OR (paused_until > clock_timestamp()) IS TRUE OR detached_at IS NOT NULL)
), picked AS (
    SELECT array_agg(key ORDER BY id) FILTER (WHERE id = first) AS keys, array_agg(id ORDER BY id) AS events
    FROM ranked WHERE place <= %(keys)s HAVING count(*) > 0
)
INSERT INTO outbox.claim (number, index, target, lane, keys, events, leased_until, work_lease)
SELECT nextval('outbox.claim_number'), %(index)s, %(target)s, %(lane)s::outbox.lane, keys, events,
    clock_timestamp() + %(dispatch_lease)s, %(work_lease)s
FROM picked, quick WHERE mode = 'off'
RETURNING number, cardinality(keys), (SELECT min(available_at) FROM looked_at);

-- name: preempt
-- A live change never waits for a bulk claim that nobody has begun: it may stand in a queue for the dispatch lease.
UPDATE outbox.claim SET ended_at = clock_timestamp(), outcome = 'pre-empted'
WHERE target = %(target)s AND ended_at IS NULL AND begun_at IS NULL AND lane <> 'live' AND NOT suspects
    AND keys && ARRAY(
        SELECT key FROM outbox.event
        WHERE index = %(index)s AND target = %(queue)s AND lane = 'live' AND key IS NOT NULL AND suspect = 0
            AND done_at IS NULL AND dead_at IS NULL AND available_at <= clock_timestamp()
        ORDER BY available_at, id LIMIT %(window)s
    )
RETURNING number, outcome, worker;

-- name: published
-- A new leader revokes what its predecessor claimed and never published. Noted a moment after the broker's confirm, and
-- not waited for on the disk: what a crash loses of it is at the most a published claim that the next leader revokes,
-- before anybody begins it.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true) AS mode)
UPDATE outbox.claim SET published_at = clock_timestamp() - %(ago)s::interval FROM quick WHERE number = %(number)s AND mode = 'off';

-- name: begin
-- Once for ever: a second delivery, or one after the lease or after another start of the server, gets no row.
UPDATE outbox.claim AS c
SET begun_at = clock_timestamp(), leased_until = clock_timestamp() + c.work_lease, worker = %(worker)s
FROM outbox.target AS t, outbox.index AS i
WHERE c.number = %(number)s AND c.ended_at IS NULL AND c.begun_at IS NULL
    AND c.server = pg_postmaster_start_time() AND t.id = c.target AND i.id = c.index
RETURNING c.index, c.target, c.lane::text, cardinality(c.keys), t.collection, t.state = 'serving',
    t.retry_at IS NOT NULL OR t.batch IS NOT NULL, i.applied_at;

-- name: finish
-- One statement: the claim ends if it is still in flight, and only then are its events marked. Claim row first, events
-- second, in every statement: the other order deadlocks inside the outbox. `bad` are the keys that are refused for
-- good, with their reasons; `back` those given back. One dead event stands for a dead key, the newest: older ones of
-- the claim are folded into it, and so are, by `heal`, those that were dead before; a later change that is indexed
-- resolves it. No row: the lease is lost.
WITH ended AS (
    UPDATE outbox.claim
    SET ended_at = clock_timestamp(), outcome = 'done', error = %(error)s,
        documents = cardinality(keys) - cardinality(%(bad)s::text[]) - cardinality(%(back)s::text[])
    WHERE number = %(number)s AND ended_at IS NULL AND server = pg_postmaster_start_time()
    RETURNING number, index, target, keys, events
), done AS (
    UPDATE outbox.event AS e SET done_at = clock_timestamp(), claim = c.number, last_error = NULL
    FROM ended AS c
    WHERE e.id = ANY (c.events) AND e.done_at IS NULL AND e.dead_at IS NULL
        AND e.key <> ALL (%(bad)s::text[] || %(back)s::text[])
), refused AS (
    SELECT e.id, c.number, left(b.reason, 2000) AS reason, max(e.id) OVER (PARTITION BY e.key) AS newest
    FROM ended AS c
    JOIN outbox.event AS e ON e.id = ANY (c.events) AND e.done_at IS NULL
    JOIN unnest(%(bad)s::text[], %(reasons)s::text[]) AS b (key, reason) ON b.key = e.key
), bury AS (
    UPDATE outbox.event AS e SET dead_at = clock_timestamp(), claim = r.number, last_error = r.reason
    FROM refused AS r WHERE e.id = r.id AND r.id = r.newest
), fold AS (
    UPDATE outbox.event AS e SET done_at = clock_timestamp(), claim = r.number,
        last_error = format('dead as event %%s', r.newest)
    FROM refused AS r WHERE e.id = r.id AND r.id < r.newest
), heal AS (
    UPDATE outbox.event AS e SET done_at = clock_timestamp(), claim = c.number
    FROM ended AS c
    WHERE e.index = c.index AND e.target = %(queue)s AND e.key = ANY (c.keys) AND e.key <> ALL (%(back)s::text[])
        AND e.done_at IS NULL AND e.dead_at IS NOT NULL AND e.id <> ALL (c.events)
)
SELECT number FROM ended;

-- name: end
-- Gives the whole claim back (or undoes a publish that was refused, or pre-empts): one row, the events are untouched.
UPDATE outbox.claim SET ended_at = clock_timestamp(), outcome = %(outcome)s, error = left(%(error)s, 2000)
WHERE number = %(number)s AND ended_at IS NULL
RETURNING number;

-- name: revoke
-- Claims whose lease is over, or that another start of the server may have lost. Their events are free at once.
WITH over AS (
    SELECT number FROM outbox.claim
    WHERE ended_at IS NULL AND (leased_until < clock_timestamp() OR server <> pg_postmaster_start_time())
    ORDER BY number LIMIT 20 FOR UPDATE SKIP LOCKED
)
UPDATE outbox.claim AS c
SET ended_at = clock_timestamp(), outcome = CASE WHEN c.begun_at IS NULL THEN 'not begun' ELSE 'lost' END
FROM over WHERE c.number = over.number
RETURNING c.number, c.outcome, c.worker;

-- name: revoke_unpublished
-- What a relay that led before claimed, and died before it published, or before it noted that.
UPDATE outbox.claim SET ended_at = clock_timestamp(), outcome = 'not published'
WHERE ended_at IS NULL AND published_at IS NULL AND begun_at IS NULL
RETURNING number, outcome, worker;

-- name: end_unbegun
-- Of one index that is detached: the view may be gone before a worker begins them.
UPDATE outbox.claim SET ended_at = clock_timestamp(), outcome = 'given back', error = %(why)s
WHERE index = %(index)s AND ended_at IS NULL AND begun_at IS NULL;

-- name: wake
SELECT pg_notify('outbox', %(payload)s);

-- name: keys
-- Of a claim in flight, for a worker that has to read them one by one.
SELECT unnest(keys) FROM outbox.claim WHERE number = %(number)s AND ended_at IS NULL;

-- name: last_number
-- Not of the ledger, which is pruned. A claim with a higher number reads after this.
SELECT last_value FROM outbox.claim_number;
