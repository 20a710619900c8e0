-- name: tables
-- Five small tables in which anything may meet anything: no foreign keys, few values, nulls.
CREATE SCHEMA s;
CREATE TABLE s.layer (
    id integer PRIMARY KEY, uuid uuid NOT NULL UNIQUE, title text, cat integer, parent integer, code text, tags text[]
);
CREATE TABLE s.category (id integer PRIMARY KEY, name text, parent integer, code text, kind text);
CREATE TABLE s.link (id integer PRIMARY KEY, layer_id integer, keyword_id integer, n integer);
CREATE TABLE s.keyword (id integer PRIMARY KEY, name text, lang text);
CREATE TABLE s.pick (id integer PRIMARY KEY, layer_uuid uuid, rank integer);
CREATE AGGREGATE s.my_agg (integer) (SFUNC = int4larger, STYPE = integer)

-- name: look
-- Each document by its key, with all rows of it.
SELECT d.id::text, json_agg(row_to_json(d) ORDER BY row_to_json(d)::text)::text FROM s.d AS d WHERE d.id IS NOT NULL GROUP BY 1

-- name: events
SELECT id, key, way, route, op::text FROM outbox.event ORDER BY id

-- name: forget
TRUNCATE outbox.event

-- name: crowd
-- Layers 1 to 20,000, those with even ids with two links each.
INSERT INTO s.layer SELECT i, lpad(to_hex(i), 32, '0')::uuid, 'title ' || i, i % 10, i / 2, i, ARRAY[]::text[]
FROM generate_series(1, 20000) AS i;
INSERT INTO s.category SELECT i, 'name ' || i FROM generate_series(0, 9) AS i;
INSERT INTO s.keyword SELECT i, 'keyword ' || i FROM generate_series(1, 2) AS i;
INSERT INTO s.link SELECT 2 * i + k, i, k FROM generate_series(2, 20000, 2) AS i, generate_series(1, 2) AS k;
CREATE INDEX ON s.link (layer_id);
CREATE INDEX ON s.link (keyword_id);
ANALYZE s.layer, s.category, s.keyword, s.link

-- name: sample
-- Five layers of the sample: 1 to 4 by ann, 5 by bob; roads on 1 and 2, rivers on 3; water on 1, 2 and 3, forest on 3.
INSERT INTO catalogue.person (id, username) VALUES (1, 'ann'), (2, 'bob');
INSERT INTO catalogue.category (id, identifier, gn_description) VALUES (1, 'a', 'roads'), (2, 'b', 'rivers'), (3, 'c', 'none');
INSERT INTO catalogue.layer (id, uuid, name, title, category_id, owner_id, x0)
SELECT i, lpad(to_hex(i), 32, '0')::uuid, 'name', 'title', CASE WHEN i < 3 THEN 1 WHEN i = 3 THEN 2 END, i / 5 + 1, 1
FROM generate_series(1, 5) AS i;
INSERT INTO catalogue.keyword (id, name) VALUES (1, 'water'), (2, 'forest'), (3, 'unused');
INSERT INTO catalogue.layer_keyword (layer_id, keyword_id) VALUES (1, 1), (2, 1), (3, 1), (3, 1), (3, 2);
INSERT INTO catalogue.region (id, code, name) VALUES (1, 'n', 'north');
INSERT INTO catalogue.layer_region (layer_id, region_id) VALUES (1, 1), (5, 1);
ALTER SEQUENCE catalogue.category_id_seq RESTART WITH 100

-- name: owner
-- No superuser: a member of the tables' owner that may make functions in the schema outbox and write events.
CREATE ROLE capture_owner LOGIN;
GRANT USAGE, CREATE ON SCHEMA outbox TO capture_owner;
GRANT INSERT ON outbox.event TO capture_owner;
GRANT SELECT ON outbox.relay, outbox.claim TO capture_owner;
ALTER SCHEMA s OWNER TO capture_owner;
ALTER TABLE s.layer OWNER TO capture_owner;
ALTER TABLE s.category OWNER TO capture_owner;
ALTER VIEW s.d OWNER TO capture_owner

-- name: no_owner
DROP OWNED BY capture_owner CASCADE;
DROP ROLE capture_owner
