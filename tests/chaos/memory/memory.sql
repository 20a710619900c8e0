-- name: tables
-- Pages on a shelf: large ones, and one shelf that carries very many.
CREATE SCHEMA library;
CREATE TABLE library.shelf (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE library.page (id bigint PRIMARY KEY, shelf_id bigint NOT NULL REFERENCES library.shelf, body text);
CREATE INDEX ON library.page (shelf_id);
CREATE VIEW library.page_document AS
SELECT p.id, s.name::varchar AS shelf, p.body FROM library.page AS p JOIN library.shelf AS s ON s.id = p.shelf_id;
INSERT INTO library.shelf VALUES (1, 'large'), (2, 'many');
-- As they are, not compressed.
ALTER TABLE library.page ALTER COLUMN body SET STORAGE EXTERNAL;

-- name: large
-- Of few words, so that Solr has little to do with them.
INSERT INTO library.page SELECT n, 1, repeat('a page of few words ', %(words)s / 5) FROM generate_series(1, %(pages)s) AS n;

-- name: many
-- Under session_replication_role = replica, without an event: they were there before.
INSERT INTO library.page SELECT 1000 + n, 2 FROM generate_series(1, %(pages)s) AS n;

-- name: fan_out
UPDATE library.shelf SET name = 'all of these' WHERE id = 2;

-- name: waiting
-- Each page was edited so many times, while nobody indexed.
INSERT INTO outbox.event (index, key, op)
SELECT x.id, (1000 + n / %(edits)s)::text, 'U' FROM outbox.index AS x, generate_series(0, %(events)s - 1) AS n;

-- name: left
SELECT count(*) FROM outbox.event WHERE done_at IS NULL;

-- name: largest_claim
SELECT max(cardinality(events)) FROM outbox.claim;
