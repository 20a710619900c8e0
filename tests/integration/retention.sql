-- Rows of many ages, and what is seen of the tables.

-- name: age_events
-- As if they had been written, and done, so long ago.
UPDATE outbox.event SET created_at = created_at - %(age)s::interval, done_at = done_at - %(age)s::interval,
    dead_at = dead_at - %(age)s::interval WHERE id = ANY (%(ids)s::bigint[]);

-- name: age_claims
UPDATE outbox.claim SET created_at = created_at - %(age)s::interval, ended_at = ended_at - %(age)s::interval
WHERE number = ANY (%(numbers)s::bigint[]);

-- name: event_ids
SELECT id FROM outbox.event ORDER BY id;

-- name: numbers
SELECT number FROM outbox.claim ORDER BY number;

-- name: flow
-- What a writer's triggers append, much faster: `count` events of `keys` keys.
INSERT INTO outbox.event (index, key, op)
SELECT %(index)s, (n %% %(keys)s)::text, 'U' FROM generate_series(1, %(count)s) AS n;

-- name: fresh_copies
-- Tables as they would be if nothing but what is retained had ever been written.
CREATE TABLE outbox.event_fresh (LIKE outbox.event INCLUDING ALL);
INSERT INTO outbox.event_fresh OVERRIDING SYSTEM VALUE SELECT * FROM outbox.event ORDER BY id;
CREATE TABLE outbox.claim_fresh (LIKE outbox.claim INCLUDING ALL);
INSERT INTO outbox.claim_fresh SELECT * FROM outbox.claim ORDER BY number;

-- name: sizes
SELECT pg_total_relation_size('outbox.event') + pg_total_relation_size('outbox.claim'),
    pg_total_relation_size('outbox.event_fresh') + pg_total_relation_size('outbox.claim_fresh');
