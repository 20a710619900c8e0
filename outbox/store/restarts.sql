-- name: revoke_all
-- Claims that were made under another start of the server: it may have lost them, or what they read.
UPDATE outbox.claim SET ended_at = clock_timestamp(), outcome = CASE WHEN begun_at IS NULL THEN 'not begun' ELSE 'lost' END
WHERE ended_at IS NULL AND server <> pg_postmaster_start_time()
RETURNING number, outcome, worker;

-- name: fence
-- The sequence goes above everything that Solr has, with a gap: what late workers of the lost time-line still post lies
-- below. `newest`: of the claims of this target that the ledger knows. The target's own: another index's claim may have
-- survived though it was drawn later.
WITH seen AS (
    SELECT greatest((SELECT last_value FROM outbox.claim_number), %(highest)s) + %(gap)s AS top,
        coalesce((SELECT max(number) FROM outbox.claim WHERE target = %(target)s), 0) AS newest
)
SELECT newest, setval('outbox.claim_number', top) FROM seen;

-- name: checked
UPDATE outbox.target
SET checked_server = pg_postmaster_start_time(), recheck_at = clock_timestamp() + %(again)s::interval,
    recheck_above = %(above)s, recheck_to = %(to)s
WHERE id = %(target)s;

-- name: recheck
SELECT recheck_above, recheck_to FROM outbox.target WHERE id = %(target)s;

-- name: rechecked
UPDATE outbox.target SET recheck_at = NULL, recheck_above = NULL, recheck_to = NULL WHERE id = %(target)s;

-- name: replay
-- Into the target's own queue.
INSERT INTO outbox.event (index, target, lane, key, op)
SELECT %(index)s, %(queue)s, 'replay', key, 'R' FROM unnest(%(keys)s::text[]) AS k (key);
