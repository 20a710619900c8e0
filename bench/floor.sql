-- name: key
SELECT uuid::text FROM catalogue.layer WHERE id = 1;

-- name: table
CREATE TABLE public.bench_floor (LIKE outbox.event INCLUDING ALL);

-- name: insert
BEGIN;
INSERT INTO public.bench_floor (index, key, op) VALUES (1, 'key', 'U');

-- name: drop
DROP TABLE public.bench_floor;

-- name: listen
LISTEN bench_floor;

-- name: notify
NOTIFY bench_floor;

-- name: end
DELETE FROM outbox.claim WHERE number = %(number)s;
