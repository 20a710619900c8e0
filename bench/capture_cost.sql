-- The same tables with the same rows, several times: read by one index, by three, and by none.

-- name: server
SELECT split_part(current_setting('server_version'), ' ', 1)

-- name: tables
-- Half of each page is free, so that updates are HOT, as in a table that is vacuumed; a row is that of a small catalogue.
CREATE SCHEMA {schema};
CREATE TABLE {schema}.reference (id integer PRIMARY KEY, name text, note text) WITH (fillfactor = 50);
CREATE TABLE {schema}.document (
    id integer PRIMARY KEY, uuid uuid NOT NULL UNIQUE, title text, abstract text, reference integer, seen integer DEFAULT 0
) WITH (fillfactor = 50, autovacuum_enabled = off);
CREATE TABLE {schema}.link (id integer PRIMARY KEY, document integer, keyword integer) WITH (autovacuum_enabled = off);
CREATE TABLE {schema}.keyword (id integer PRIMARY KEY, name text);
INSERT INTO {schema}.reference SELECT i, 'name ' || i, 'note' FROM generate_series(1, {rows}) AS i;
INSERT INTO {schema}.document SELECT i, lpad(to_hex(i), 32, '0')::uuid, 'title', repeat('abstract ', 20), i
FROM generate_series(1, {rows}) AS i;
INSERT INTO {schema}.keyword SELECT i, 'keyword ' || i FROM generate_series(1, 10) AS i;
CREATE INDEX ON {schema}.document (reference);
CREATE INDEX ON {schema}.link (document);
CREATE INDEX ON {schema}.link (keyword)

-- name: view
CREATE VIEW {schema}.search AS
SELECT d.uuid AS id, d.title, d.abstract, r.name AS reference,
    ARRAY(
        SELECT k.name FROM {schema}.link AS l JOIN {schema}.keyword AS k ON k.id = l.keyword
        WHERE l.document = d.id ORDER BY k.name
    ) AS keywords
FROM {schema}.document AS d LEFT JOIN {schema}.reference AS r ON r.id = d.reference

-- name: clean
-- Before each round; what the round wrote was rolled back.
VACUUM {schema}.document, {schema}.reference, {schema}.link, outbox.event

-- name: lsn
SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn

-- name: document
UPDATE {schema}.document SET title = title || '!' WHERE id <= {rows}

-- name: untracked
UPDATE {schema}.document SET seen = seen + 1 WHERE id <= {rows}

-- name: inserted
INSERT INTO {schema}.document (id, uuid, title, abstract)
SELECT 1000000 + i, gen_random_uuid(), 'title', repeat('abstract ', 20) FROM generate_series(1, {rows}) AS i

-- name: link
INSERT INTO {schema}.link SELECT i, i, i % 10 + 1 FROM generate_series(1, {rows}) AS i

-- name: reference
UPDATE {schema}.reference SET name = name || '!' WHERE id <= {rows}

-- name: events
SELECT count(*) FROM outbox.event
