-- name: table_and_view
-- `code` is text that Solr's field wants as a number; a `divisor` of 0 makes the view fail for that row.
CREATE SCHEMA shop;
CREATE TABLE shop.item (
    id bigint PRIMARY KEY,
    title text,
    code text,
    divisor integer NOT NULL DEFAULT 1
);
CREATE VIEW shop.item_document AS SELECT id, title, code, 100 / divisor AS share FROM shop.item;

-- name: read
-- As `outbox.index.Definition.read` has it: the claim's keys and their documents in one snapshot, while it is in flight.
WITH wanted AS MATERIALIZED (
    SELECT DISTINCT u.key FROM outbox.claim AS c, unnest(c.keys) AS u (key)
    WHERE c.number = %(number)s AND c.ended_at IS NULL AND c.server = pg_postmaster_start_time()
        AND NOT pg_is_in_recovery() AND (%(only)s::text[] IS NULL OR u.key = ANY (%(only)s::text[]))
)
SELECT w.key, CASE WHEN octet_length(d.document) <= 67108864 THEN d.document END, md5(d.document) FROM wanted AS w
LEFT JOIN (
    SELECT v.id::text AS key, jsonb_build_object('id', v.id::text, 'title', v.title, 'code', v.code, 'share', v.share)::text
        AS document
    FROM shop.item_document AS v WHERE v.id = ANY (ARRAY(SELECT key::bigint FROM wanted))
) AS d ON d.key = w.key;

-- name: enumerate
SELECT id::text FROM shop.item_document
WHERE %(after)s::text IS NULL OR id > %(after)s::bigint ORDER BY id LIMIT %(most)s

-- name: add_event
INSERT INTO outbox.event (index, target, lane, key, op, available_at)
VALUES (%(index)s, %(target)s, %(lane)s, %(key)s, 'U', clock_timestamp() + %(delay)s) RETURNING id;

-- name: states
-- Each key with the states of its events, in the order of their ids.
SELECT key, array_agg(CASE WHEN done_at IS NOT NULL THEN 'done' WHEN dead_at IS NOT NULL THEN 'dead' ELSE 'waits' END
    ORDER BY id)
FROM outbox.event GROUP BY key;

-- name: say
-- What a trigger does after its INSERT: notify, but only a relay that sleeps.
SELECT pg_notify('outbox', '') FROM outbox.relay WHERE one AND asleep_until > clock_timestamp();

-- name: insert_as_a_trigger
INSERT INTO outbox.event (index, key, op) VALUES (1, %(key)s, 'I');

-- name: take_all
-- Stands for all of the relay's work: whatever is visible is done.
UPDATE outbox.event SET done_at = clock_timestamp() WHERE done_at IS NULL RETURNING key;

-- name: claim_row
SELECT keys, events, ended_at IS NOT NULL, outcome, documents, error FROM outbox.claim WHERE number = %(number)s;

-- name: expand_below
-- A way for tests: the items below the number that the route carries. "slow" takes its time.
SELECT r.id, k.key
FROM unnest(%(ids)s::bigint[], %(routes)s::jsonb[]) AS r (id, route)
CROSS JOIN LATERAL (
    SELECT i.id::text AS key FROM shop.item AS i
    WHERE CASE WHEN r.route -> 0 ->> 0 = 'slow' THEN pg_sleep(60) IS NULL ELSE i.id < (r.route -> 0 ->> 0)::bigint END
    LIMIT %(most)s
) AS k;

-- name: enumerate_below
SELECT i.id::text FROM shop.item AS i
WHERE i.id < (%(route)s::jsonb -> 0 ->> 0)::bigint
    AND (%(after)s::text IS NULL OR i.id::text COLLATE "C" > %(after)s)
ORDER BY i.id::text COLLATE "C" LIMIT %(most)s

-- name: add_fan_out
INSERT INTO outbox.event (index, way, route, op) VALUES (%(index)s, %(way)s, %(route)s, %(op)s) RETURNING id;

-- name: fan_out
SELECT done_at IS NOT NULL, dead_at IS NOT NULL, available_at > clock_timestamp(), lane::text, last_error
FROM outbox.event WHERE id = %(id)s;

-- name: expanded_into
SELECT key, lane::text FROM outbox.event WHERE cause = %(id)s ORDER BY key COLLATE "C";

-- name: applied_in_0001
-- An index and a waiting event as the first version of the schema has them.
INSERT INTO outbox.index (name, applied_at, definition) VALUES ('items', now(), '{"name": "items"}');
INSERT INTO outbox.target (index, collection, state) VALUES (1, 'items_1', 'serving');
INSERT INTO outbox.event (index, key, op) VALUES (1, 'a', 'I');
