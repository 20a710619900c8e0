-- name: world
CREATE SCHEMA s;
CREATE TYPE s.mood AS ENUM ('calm', 'rough');
CREATE TABLE s.item (
    id integer PRIMARY KEY, title text, mood s.mood, size integer, doubled integer GENERATED ALWAYS AS (size * 2) STORED
);
CREATE TABLE s.note (id integer, item_id integer, text text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE s.note_1 PARTITION OF s.note FOR VALUES FROM (0) TO (10);
CREATE TABLE s.note_2 PARTITION OF s.note FOR VALUES FROM (10) TO (20);
CREATE TABLE s.note_3 (id integer NOT NULL, item_id integer, text text, PRIMARY KEY (id));
CREATE TABLE s.tag (id integer PRIMARY KEY, item_id integer, name text);
CREATE VIEW s.named AS SELECT item_id, name FROM s.tag;
CREATE VIEW s.d AS
SELECT i.id, i.title, i.mood, i.doubled,
    ARRAY(SELECT n.text FROM s.note AS n WHERE n.item_id = i.id ORDER BY n.id) AS notes,
    ARRAY(SELECT t.name FROM s.named AS t WHERE t.item_id = i.id ORDER BY t.name) AS tags
FROM s.item AS i;
INSERT INTO s.item SELECT i, 'title', 'calm', i FROM generate_series(1, 5) AS i

-- name: another_expression
-- Up to 16 the column has to be dropped, which the view forbids.
ALTER TABLE s.item ALTER COLUMN doubled SET EXPRESSION AS (size * 3)

-- name: left
SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'outbox%')
    + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'outbox'::regnamespace AND proname ~ '^(capture|value)_')

-- name: waits_for_apply
SELECT true FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'outbox detach' AND wait_event_type = 'Lock'

-- name: applied_by_another_version
UPDATE outbox.index SET definition = jsonb_set(definition, '{unheard_of}', '1'), applied_at = clock_timestamp()
WHERE id = %(index)s

-- name: events
SELECT op::text, count(*) FROM outbox.event GROUP BY 1 ORDER BY 1

-- name: from_replication
-- As pg_restore --disable-triggers and the apply of logical replication write.
SET session_replication_role = replica;
INSERT INTO s.item (id, title) VALUES (6, 'new');
UPDATE s.item SET title = 'other' WHERE id = 6;
DELETE FROM s.item WHERE id = 6;
INSERT INTO s.note (id, item_id) VALUES (1, 1);
INSERT INTO s.note_2 (id, item_id) VALUES (11, 1);
DELETE FROM s.note_2;
TRUNCATE s.note_1;
RESET session_replication_role
