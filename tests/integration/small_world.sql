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
