-- name: prune_events
-- One chunk from the low end of the primary key: done events that were done before `keep`; dead and waiting ones stay.
-- Rows are looked at without a lock, whatever their state, and the next chunk goes on after them: what waits at the low
-- end is not read again and again. Only rows that go are locked, past those that another prune holds; nobody else touches
-- a done event. ARRAY, since IN (SELECT …) read the whole table. `older`: whether anything here was old enough to be
-- done so long ago; a pass is over where nothing is, since ids grow with the time, but for the 31 that a session holds.
WITH looked_at AS MATERIALIZED (
    SELECT id, created_at, done_at FROM outbox.event WHERE id > %(after)s ORDER BY id LIMIT %(most)s
), gone AS (
    DELETE FROM outbox.event WHERE id = ANY (ARRAY(
        SELECT e.id FROM outbox.event AS e
        WHERE e.id = ANY (ARRAY(SELECT l.id FROM looked_at AS l WHERE l.done_at < clock_timestamp() - %(keep)s::interval))
            AND e.done_at IS NOT NULL
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
)
SELECT max(id), (SELECT count(*) FROM gone), bool_or(created_at < clock_timestamp() - %(keep)s::interval) FROM looked_at;

-- name: prune_claims
-- As events. What stays, however old: what is in flight; what an unresolved dead or suspect event names; and the newest
-- claim of each target and its newest done one, which are compared with Solr after a start of the server. A claim goes
-- only where a younger one of its target ended later (and was done, if it was): the highest number has none, and stays,
-- and claim_ended leads to one at once, both where thousands follow and where the target is idle.
WITH looked_at AS MATERIALIZED (
    SELECT number, target, created_at, ended_at, outcome FROM outbox.claim
    WHERE number > %(after)s ORDER BY number LIMIT %(most)s
), named AS MATERIALIZED (
    SELECT claim FROM outbox.event WHERE dead_at IS NOT NULL AND done_at IS NULL AND claim IS NOT NULL
    UNION ALL
    SELECT claim FROM outbox.event WHERE suspect > 0 AND done_at IS NULL AND claim IS NOT NULL
), gone AS (
    DELETE FROM outbox.claim WHERE number = ANY (ARRAY(
        SELECT c.number FROM outbox.claim AS c
        WHERE c.number = ANY (ARRAY(
            SELECT l.number FROM looked_at AS l
            WHERE l.ended_at < clock_timestamp() - %(keep)s::interval AND l.number NOT IN (SELECT claim FROM named)
                AND EXISTS (
                    SELECT FROM outbox.claim AS later
                    WHERE later.target = l.target AND later.number > l.number AND later.ended_at >= l.ended_at
                        AND (later.outcome = 'done' OR l.outcome <> 'done')
                )
        ))
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING ended_at
), noted AS (
    UPDATE outbox.pruned SET claims_before = (SELECT max(ended_at) FROM gone)
    WHERE claims_before < (SELECT max(ended_at) FROM gone)
)
SELECT max(number), (SELECT count(*) FROM gone), bool_or(created_at < clock_timestamp() - %(keep)s::interval)
FROM looked_at;

-- name: pruned_to
-- Claims that ended at this time or before may be gone; -infinity where nothing was ever pruned, as null.
SELECT nullif(claims_before, '-infinity') FROM outbox.pruned;

-- name: purgeable
-- The version up to which tombstones of a target may go: of the newest of the claims below which no claim of the target is
-- in flight or ended within `keep`. A tombstone shields its key from older writes, and those come from claims with lower
-- numbers alone: all of them ended at least a day ago, which is thousands of times the lease, the deadline and the time
-- limit of a worker, so none is on its way to Solr any more. A number alone would not do: a claim may end long after one
-- that was drawn later. `keep` is not less than the claims' own, else the ledger would not know of all of them.
SELECT c.number FROM outbox.claim AS c
WHERE c.target = %(target)s AND c.ended_at < clock_timestamp() - %(keep)s::interval
    AND c.number < coalesce((
        SELECT min(late.number) FROM outbox.claim AS late
        WHERE late.target = %(target)s AND (late.ended_at IS NULL OR late.ended_at >= clock_timestamp() - %(keep)s::interval)
    ), 9223372036854775807)
ORDER BY c.number DESC LIMIT 1;

-- name: size
-- Of both tables on disk, with their indexes and TOAST.
SELECT pg_total_relation_size('outbox.event') + pg_total_relation_size('outbox.claim');
