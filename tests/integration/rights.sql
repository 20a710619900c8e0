-- name: make
CREATE ROLE {owner};
CREATE ROLE {applier} LOGIN IN ROLE {owner};
CREATE ROLE {relay} LOGIN;
CREATE ROLE {stranger};
CREATE SCHEMA s;
GRANT USAGE, CREATE ON SCHEMA s TO {owner};
GRANT USAGE, CREATE ON SCHEMA s TO {stranger};
SET ROLE {owner};
CREATE TABLE s.item (id integer PRIMARY KEY, title text) PARTITION BY RANGE (id);
CREATE TABLE s.item_1 PARTITION OF s.item FOR VALUES FROM (0) TO (10);
CREATE TABLE s.note (id integer PRIMARY KEY, item_id integer, text text);
CREATE VIEW s.named AS SELECT item_id, text FROM s.note;
CREATE VIEW s.d AS
SELECT i.id, i.title, ARRAY(SELECT n.text FROM s.named AS n WHERE n.item_id = i.id ORDER BY n.text) AS notes FROM s.item AS i;
GRANT INSERT ON s.item TO {stranger};
RESET ROLE

-- name: drop
DROP OWNED BY {owner}, {applier}, {relay}, {stranger} CASCADE;
DROP ROLE {owner}, {applier}, {relay}, {stranger}

-- name: usage
RESET ROLE;
GRANT USAGE ON SCHEMA s TO {relay};
SET ROLE {applier}

-- name: forget
RESET ROLE;
REVOKE UPDATE ON outbox.claim FROM {relay};
SET ROLE {applier}

-- name: new_partition
SET ROLE {owner};
CREATE TABLE s.item_2 PARTITION OF s.item FOR VALUES FROM (10) TO (20);
SET ROLE {stranger};
INSERT INTO s.item VALUES (1, 'one'), (11, 'eleven');
RESET ROLE

-- name: attach
SELECT format('CREATE TABLE s.mine (id integer); CREATE TRIGGER t AFTER TRUNCATE ON s.mine EXECUTE FUNCTION outbox.%I()', proname)
FROM pg_proc WHERE pronamespace = 'outbox'::regnamespace AND proname LIKE 'capture%' LIMIT 1

-- name: events
SELECT key FROM outbox.event ORDER BY key

-- name: owners
SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'outbox'::regnamespace AND proname ~ '^(capture|value)_'

-- name: row_security
ALTER TABLE s.note ENABLE ROW LEVEL SECURITY

-- name: bypass
RESET ROLE;
ALTER ROLE {relay} BYPASSRLS;
SET ROLE {applier}
