-- name: tables_and_view
CREATE SCHEMA s;
CREATE TABLE s.item (id integer PRIMARY KEY);
CREATE TABLE s.rate (id integer PRIMARY KEY, value integer);
INSERT INTO s.item SELECT generate_series(1, 7);
INSERT INTO s.rate SELECT i, i FROM generate_series(1, 10000) AS i;
CREATE VIEW s.d AS SELECT i.id, (SELECT max(r.value) FROM s.rate AS r) AS highest FROM s.item AS i

-- name: fan_out
INSERT INTO outbox.event (index, op, way, route) VALUES (%(index)s, %(op)s, %(way)s, %(route)s) RETURNING id

-- name: hold_back
UPDATE outbox.event SET available_at = available_at + interval '1 h' WHERE id = %(id)s

-- name: waiting
SELECT f.op::text, (SELECT count(*) FROM outbox.event AS e WHERE e.cause = f.id)
FROM outbox.event AS f WHERE f.key IS NULL AND f.done_at IS NULL ORDER BY f.id
