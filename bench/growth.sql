-- name: forget
TRUNCATE outbox.event;

-- name: waiting
INSERT INTO outbox.event (index, key, op)
SELECT i.id, gen_random_uuid()::text, 'U' FROM outbox.index AS i CROSS JOIN generate_series(1, %(many)s) WHERE i.name = 'layers';

-- name: analyze
ANALYZE outbox.event;

-- name: done
SELECT count(*) FROM outbox.event WHERE done_at IS NOT NULL;

-- name: forget_claims
DELETE FROM outbox.claim WHERE ended_at IS NULL;
