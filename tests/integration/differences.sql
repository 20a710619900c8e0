-- Tables of every sort, with columns of the types whose comparison Postgres prints in a way of its own.

-- name: item
CREATE TABLE s.item (
    id integer PRIMARY KEY, uuid uuid NOT NULL UNIQUE, title varchar(20), code char(3), body text COLLATE "C",
    tags varchar[], mood s.mood, short s.short, place point, note json, "odd ""name OR x" text, price numeric(10, 2),
    "old" integer, made timestamptz, span int4range, doc jsonb, raw bytea, marks s.mood[], title2 text, address inet
)

-- name: view
CREATE VIEW s.d AS
SELECT i.uuid AS id, i.title, i.code, i.body, i.tags, i.mood, i.short, i.place::text AS place, i.note::text AS note,
    i."odd ""name OR x" AS odd, i.price, i."old" AS older, i.made, i.span::text AS span, i.doc::text AS doc, i.raw::text AS raw,
    i.marks::text[] AS marks, i.title2, i.address::text AS address,
    ARRAY(SELECT n.body FROM s.note n WHERE n.item = i.id ORDER BY n.body) AS notes,
    ARRAY(SELECT t.name FROM s.tag t WHERE t.item = i.id ORDER BY t.name) AS names
FROM s.item i

-- name: types
CREATE SCHEMA s;
CREATE TYPE s.mood AS ENUM ('calm', 'rough');
CREATE DOMAIN s.short AS varchar(5);
CREATE FUNCTION s.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'

-- name: tables
CREATE TABLE s.note (item integer, place integer, body text) PARTITION BY LIST (place);
CREATE TABLE s.note_1 PARTITION OF s.note FOR VALUES IN (1);
CREATE TABLE s.note_2 PARTITION OF s.note FOR VALUES IN (21, 22) PARTITION BY LIST (place);
CREATE TABLE s.note_2a PARTITION OF s.note_2 FOR VALUES IN (21);
CREATE TABLE s.tag (item integer, name text);
CREATE TABLE s.heir () INHERITS (s.tag);
CREATE TABLE s.other (LIKE s.item)

-- name: renamings
-- Of every column.
SELECT format('ALTER TABLE s.item RENAME COLUMN %I TO %I', attname, 'new ' || attnum)
FROM pg_attribute WHERE attrelid = 's.item'::regclass AND attnum > 0 AND NOT attisdropped
