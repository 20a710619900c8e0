-- name: waiting
-- What keeps the outbox from rest: events that wait, but for dead ones, and claims in flight.
SELECT (SELECT count(*) FROM outbox.event WHERE done_at IS NULL AND dead_at IS NULL),
    (SELECT count(*) FROM outbox.claim WHERE ended_at IS NULL);

-- name: dead
SELECT DISTINCT key FROM outbox.event WHERE dead_at IS NOT NULL AND done_at IS NULL;

-- name: sums
SELECT (SELECT count(*) FROM outbox.event), (SELECT count(*) FROM outbox.claim);

-- name: outcomes
SELECT outcome, count(*) FROM outbox.claim GROUP BY outcome ORDER BY outcome;

-- name: stuck
-- For the message, when it does not come to rest.
SELECT 'event', id, lane::text, key, suspect, created_at, claim FROM outbox.event
WHERE done_at IS NULL AND dead_at IS NULL
UNION ALL
SELECT 'claim', number, lane::text, keys[1], cardinality(keys), created_at, NULL FROM outbox.claim WHERE ended_at IS NULL
LIMIT 10;
