-- Commits that reach Solr and are lost: one of each kind. Each gives the key of its document.

-- name: update
UPDATE catalogue.layer SET title = 'lost' WHERE id = 150 RETURNING uuid::text;

-- name: insert
INSERT INTO catalogue.layer (name, title, owner_id) SELECT 'new', 'lost', min(id) FROM catalogue.person
RETURNING uuid::text;

-- name: delete
WITH keywords AS (DELETE FROM catalogue.layer_keyword WHERE layer_id = 151),
    regions AS (DELETE FROM catalogue.layer_region WHERE layer_id = 151)
DELETE FROM catalogue.layer WHERE id = 151 RETURNING uuid::text;

-- name: titles
-- What is left of them: rows by key.
SELECT uuid::text, title FROM catalogue.layer WHERE uuid::text = ANY (%s);
