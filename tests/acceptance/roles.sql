-- name: make
-- Nobody here is a superuser: the application's owner and its writer, and ours: one that applies, a relay, a worker.
CREATE ROLE {owner};
CREATE ROLE {writer} LOGIN;
CREATE ROLE {applier} LOGIN IN ROLE {owner};
CREATE ROLE {relay} LOGIN;
CREATE ROLE {worker} LOGIN

-- name: give
-- The tables to the owner; to the writer the right to write them, and none on the schema outbox.
GRANT USAGE ON SCHEMA outbox TO {owner};
ALTER SCHEMA catalogue OWNER TO {owner};
GRANT USAGE ON SCHEMA catalogue TO {writer};
GRANT ALL ON ALL TABLES IN SCHEMA catalogue TO {writer};
GRANT ALL ON ALL SEQUENCES IN SCHEMA catalogue TO {writer}

-- name: owned
SELECT format('ALTER %%s catalogue.%%I OWNER TO %%I', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, relname, %(owner)s::text)
FROM pg_class WHERE relnamespace = 'catalogue'::regnamespace AND relkind IN ('r', 'v')

-- name: drop
DROP OWNED BY {owner}, {writer}, {applier}, {relay}, {worker} CASCADE;
DROP ROLE {writer}, {applier}, {relay}, {worker}, {owner}

-- name: rights_of_the_writer
SELECT has_schema_privilege(%(writer)s, 'outbox', 'USAGE') OR has_table_privilege(%(writer)s, 'outbox.event', 'INSERT')

-- name: upgrade
-- What a new version of the application does: a shown column changes its type, another goes, and the view with it.
DROP VIEW catalogue.layer_document;
ALTER TABLE catalogue.person ALTER COLUMN username TYPE text;
ALTER TABLE catalogue.layer DROP COLUMN abstract;
UPDATE catalogue.layer SET title = 'upgraded ' || id;
CREATE VIEW catalogue.layer_document AS
SELECT layer.uuid AS id, layer.title, person.username::varchar AS username
FROM catalogue.layer JOIN catalogue.person ON person.id = layer.owner_id

-- name: another_kind
CREATE OR REPLACE VIEW catalogue.layer_document AS
SELECT layer.uuid AS id, layer.title, person.username::varchar AS username, layer.id AS abstract
FROM catalogue.layer JOIN catalogue.person ON person.id = layer.owner_id
