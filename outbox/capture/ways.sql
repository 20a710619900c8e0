-- name: expand
-- From many events at once to the keys that they touch. Filters of the view are not applied: wider is safe.
-- Each event reads at most so many rows, however many hang on it; where it has that many, keys may come twice.
-- Two VALUES, not jsonb_array_elements: Postgres expects a hundred rows of that, and then scans whole tables.
SELECT e.id, q.key
FROM unnest(%(ids)s::bigint[], %(routes)s::jsonb[]) AS e (id, route)
CROSS JOIN LATERAL (
    SELECT s.key, row_number() OVER (PARTITION BY s.key) AS copy, count(*) OVER () AS found
    FROM (
        SELECT {key}::text AS key
        FROM (VALUES (e.route->0), (e.route->1)) AS r (v)
        CROSS JOIN LATERAL (SELECT {values}) AS t0
        {joins}
        WHERE r.v IS NOT NULL AND {conditions} AND {key} IS NOT NULL
        LIMIT %(most)s
    ) AS s
) AS q
WHERE q.copy = 1 OR q.found >= %(most)s

-- name: enumerate
-- The keys of one event, chunk by chunk: a semi-join, so that the planner may walk the root in key order.
SELECT {key}::text AS key
FROM {root}
WHERE (%(after)s::text IS NULL OR {key} > %(after)s::text::{key_type})
    AND EXISTS (
        SELECT
        FROM (VALUES (%(route)s::jsonb->0), (%(route)s::jsonb->1)) AS r (v)
        CROSS JOIN LATERAL (SELECT {values}) AS t0
        {joins}
        WHERE r.v IS NOT NULL AND {conditions}
    )
ORDER BY {key}
LIMIT %(most)s

-- name: expand_declared
-- A way that the user declared: $1 and $2 of it are the row as it was and as it is.
SELECT e.id, q.key
FROM unnest(%(ids)s::bigint[], %(routes)s::jsonb[]) AS e (id, route)
CROSS JOIN LATERAL (
    SELECT s.key, row_number() OVER (PARTITION BY s.key) AS copy, count(*) OVER () AS found
    FROM (SELECT u.key::text AS key FROM ({declared}) AS u (key) WHERE u.key IS NOT NULL LIMIT %(most)s) AS s
) AS q
WHERE q.copy = 1 OR q.found >= %(most)s

-- name: enumerate_declared
SELECT DISTINCT q.key::text AS key, q.key AS place
FROM (SELECT u.key::{key_type} AS key FROM (SELECT %(route)s::jsonb) AS e (route), LATERAL ({declared}) AS u (key)) AS q
WHERE q.key IS NOT NULL AND (%(after)s::text IS NULL OR q.key > %(after)s::text::{key_type})
ORDER BY place
LIMIT %(most)s
