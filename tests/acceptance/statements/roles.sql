-- Nobody here is a superuser. The owner of the tables and the writer have no right on the schema outbox; the applier is a
-- member of the owner; relay and workers are one role.

-- name: make
CREATE ROLE {owner} LOGIN;
CREATE ROLE {writer} LOGIN;
CREATE ROLE {applier} LOGIN IN ROLE {owner};
CREATE ROLE {relay} LOGIN

-- name: drop
DROP ROLE {writer}, {applier}, {relay}, {owner}

-- name: database
CREATE EXTENSION citext;
GRANT CREATE ON DATABASE {database} TO {owner}

-- name: xml
SELECT '<a/>'::xml

-- name: give
-- Run by the owner: all of its tables to the writer.
GRANT USAGE ON SCHEMA atlas, elsewhere TO {writer};
GRANT ALL ON ALL TABLES IN SCHEMA atlas TO {writer}

-- name: rights_on_outbox
-- What a role may in the schema outbox; nothing, for owner and writer.
SELECT has_schema_privilege(%(role)s, 'outbox', 'USAGE') OR has_schema_privilege(%(role)s, 'outbox', 'CREATE')
OR EXISTS (
    SELECT FROM pg_class
    WHERE relnamespace = 'outbox'::regnamespace AND relkind = 'r' AND has_table_privilege(%(role)s, oid, 'SELECT, INSERT')
)

-- name: superusers
SELECT count(*) FROM pg_roles WHERE rolname = ANY (%(roles)s) AND (rolsuper OR rolbypassrls)

-- name: events
-- Since a time: the numbers of events are no order, since each session draws some ahead.
SELECT i.name, e.id, e.key, e.way, e.route
FROM outbox.event AS e
JOIN outbox.index AS i ON i.id = e.index
WHERE e.created_at > %(since)s
ORDER BY e.id

-- name: now
SELECT clock_timestamp()

-- name: digest
-- Of all documents of a view.
SELECT md5(string_agg(d::text, ' ' ORDER BY d::text)) FROM {view} AS d

-- name: keys
SELECT id::text FROM {view}

-- name: waiting
SELECT count(*) FROM outbox.event WHERE done_at IS NULL AND dead_at IS NULL

-- name: enqueue
-- As a replay of these keys, but live, and the relay is awake at once.
WITH given AS (
    INSERT INTO outbox.event (index, lane, key, op)
    SELECT i.id, 'live', k.key, 'R'
    FROM outbox.index AS i CROSS JOIN unnest(%(keys)s::text[]) AS k (key)
    WHERE i.name = %(index)s
)
SELECT pg_notify('outbox', '')

-- name: again
-- What the relay would try again in some seconds, it shall try now.
UPDATE outbox.event SET available_at = created_at WHERE key IS NULL AND done_at IS NULL AND available_at > clock_timestamp()

-- name: dead
SELECT count(*) FROM outbox.event WHERE dead_at IS NOT NULL

-- name: refused
SELECT count(*) FROM outbox.event WHERE key IS NULL AND done_at IS NULL AND last_error LIKE '%does not exist%'

-- name: asleep
SELECT count(*) FROM outbox.relay WHERE asleep_until > clock_timestamp()

-- name: applied
SELECT i.name, t.collection FROM outbox.index AS i JOIN outbox.target AS t ON t.index = i.id AND t.state = 'serving'
