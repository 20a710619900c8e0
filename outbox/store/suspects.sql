-- name: mark
-- The events of claims that were begun and ended without an answer: worker, Solr or a Postgres backend may have died of
-- one of their documents. Each counts only if some other claim of the target was done since the event's last failure,
-- so that an outage counts once at the most. A key that was alone in its claim, and is lost at level `most`, is dead;
-- one dead event stands for it, the newest. Run in the transaction that ended the claims, after that: claim first.
WITH failed AS (
    SELECT e.id, e.key, c.number, c.error, cardinality(c.keys) = 1 AS alone,
        1 + max(e.suspect) OVER (PARTITION BY c.number, e.key) AS level,
        e.id = max(e.id) OVER (PARTITION BY c.number, e.key) AS newest
    FROM outbox.claim AS c
    JOIN outbox.event AS e ON e.id = ANY (c.events) AND e.done_at IS NULL AND e.dead_at IS NULL
    WHERE c.number = ANY (%(numbers)s::bigint[]) AND c.begun_at IS NOT NULL AND c.server = pg_postmaster_start_time()
        AND (e.claim IS NULL OR EXISTS (
            SELECT FROM outbox.claim AS other
            WHERE other.number > e.claim AND other.target = c.target AND other.outcome = 'done'
        ))
), judged AS (
    SELECT *, alone AND level >= %(most)s AS guilty FROM failed
)
UPDATE outbox.event AS e
SET suspect = least(j.level, 9), claim = j.number,
    available_at = clock_timestamp() + (j.level - 1) * interval '1 s',
    dead_at = CASE WHEN j.guilty AND j.newest THEN clock_timestamp() END,
    done_at = CASE WHEN j.guilty AND NOT j.newest THEN clock_timestamp() END,
    last_error = coalesce(j.error, 'the worker was lost at this document')
FROM judged AS j WHERE e.id = j.id
RETURNING e.key, e.suspect, e.dead_at IS NOT NULL;

-- name: again
-- A key with a dead suspect starts again, alone, when a new event of it comes. Claims of the lane leave such keys out,
-- so their events come to stand at its head, where they are found.
UPDATE outbox.event SET suspect = %(level)s
WHERE id = ANY (ARRAY(
    SELECT head.id FROM (
        SELECT id, key FROM outbox.event
        WHERE index = %(index)s AND target = %(queue)s AND lane = %(lane)s::outbox.lane AND key IS NOT NULL
            AND suspect = 0 AND done_at IS NULL AND dead_at IS NULL
        ORDER BY available_at, id LIMIT %(window)s
    ) AS head
    WHERE head.key IN (
        SELECT key FROM outbox.event
        WHERE index = %(index)s AND target = %(queue)s AND suspect > 0 AND done_at IS NULL AND dead_at IS NOT NULL
    )
)) AND done_at IS NULL AND dead_at IS NULL;

-- name: claim
-- One claim at a time, the least suspect first: of level 1 at most an eighth of a whole claim's keys, of level 2 an
-- eighth of that, from level 3 on each key alone. `lane` replay: it travels through the bulk queue.
WITH in_flight AS MATERIALIZED (
    SELECT unnest(keys) AS key FROM outbox.claim WHERE target = %(target)s AND ended_at IS NULL
), waiting AS MATERIALIZED (
    SELECT id, key, available_at, max(suspect) OVER (PARTITION BY key) AS level,
        min(id) OVER (PARTITION BY key) AS first
    FROM outbox.event
    WHERE index = %(index)s AND target = %(queue)s AND suspect > 0 AND done_at IS NULL AND dead_at IS NULL
        AND available_at <= clock_timestamp() AND key NOT IN (SELECT key FROM in_flight)
), ranked AS (
    SELECT id, key, first, level, min(level) OVER () AS least, dense_rank() OVER (ORDER BY level, first) AS place
    FROM waiting
), picked AS (
    SELECT array_agg(key ORDER BY id) FILTER (WHERE id = first) AS keys, array_agg(id ORDER BY id) AS events
    FROM ranked
    WHERE level = least AND place <= greatest(1, least(%(keys)s, 500 >> (3 * level))) HAVING count(*) > 0
)
INSERT INTO outbox.claim (number, index, target, lane, suspects, keys, events, leased_until, work_lease)
SELECT nextval('outbox.claim_number'), %(index)s, %(target)s, 'replay', true, keys, events,
    clock_timestamp() + %(dispatch_lease)s, %(work_lease)s
FROM picked
WHERE NOT EXISTS (SELECT FROM outbox.claim WHERE target = %(target)s AND ended_at IS NULL AND suspects)
RETURNING number, cardinality(keys);
