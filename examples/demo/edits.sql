-- Each edit, and, named ..._changed, the ids of the documents that it must change: asked of the tables beforehand, and
-- never of the outbox, so that an edit that is missed would be seen.

-- name: title
UPDATE catalogue.layer SET title = 'Rivers of Europe, new edition'
WHERE id = (SELECT min(id) FROM catalogue.layer);

-- name: title_changed
SELECT uuid::text FROM catalogue.layer WHERE id = (SELECT min(id) FROM catalogue.layer);

-- name: category
UPDATE catalogue.category SET gn_description = gn_description || ' (renamed)'
WHERE id = (SELECT category_id FROM catalogue.layer WHERE category_id IS NOT NULL ORDER BY id LIMIT 1);

-- name: category_changed
SELECT uuid::text FROM catalogue.layer WHERE category_id = (
    SELECT category_id FROM catalogue.layer WHERE category_id IS NOT NULL ORDER BY id LIMIT 1
);

-- name: keyword
WITH new AS (INSERT INTO catalogue.keyword (name, slug) VALUES ('demo keyword', 'demo-keyword') RETURNING id)
INSERT INTO catalogue.layer_keyword (layer_id, keyword_id) SELECT (SELECT min(id) FROM catalogue.layer), id FROM new;

-- name: keyword_changed
SELECT uuid::text FROM catalogue.layer WHERE id = (SELECT min(id) FROM catalogue.layer);

-- name: region
DELETE FROM catalogue.layer_region WHERE layer_id = (SELECT min(layer_id) FROM catalogue.layer_region);

-- name: region_changed
SELECT uuid::text FROM catalogue.layer WHERE id = (SELECT min(layer_id) FROM catalogue.layer_region);

-- name: deletion
WITH gone AS (SELECT max(id) AS id FROM catalogue.layer),
    keywords AS (DELETE FROM catalogue.layer_keyword USING gone WHERE layer_id = gone.id),
    regions AS (DELETE FROM catalogue.layer_region USING gone WHERE layer_id = gone.id)
DELETE FROM catalogue.layer USING gone WHERE layer.id = gone.id;

-- name: deletion_changed
SELECT uuid::text FROM catalogue.layer WHERE id = (SELECT max(id) FROM catalogue.layer);

-- name: bulk
UPDATE catalogue.layer SET abstract = abstract || ' Checked.'
WHERE id IN (SELECT id FROM catalogue.layer ORDER BY id OFFSET 100 LIMIT 500);

-- name: bulk_changed
SELECT uuid::text FROM catalogue.layer ORDER BY id OFFSET 100 LIMIT 500;

-- name: nothing
UPDATE catalogue.layer
SET title = title, abstract = abstract, popular_count = popular_count + 1, last_updated = now()
WHERE id = (SELECT min(id) FROM catalogue.layer);

-- name: nothing_changed
SELECT uuid::text FROM catalogue.layer WHERE false;

-- name: while_down
UPDATE catalogue.layer SET title = 'Edited while Solr was down'
WHERE id = (SELECT min(id) FROM catalogue.layer) RETURNING uuid::text;

-- name: now
SELECT clock_timestamp();

-- name: events_since
-- Rows that the triggers wrote; those that the relay made of them have a cause. By time: ids are drawn 32 at once.
SELECT count(*) FROM outbox.event WHERE created_at >= %(since)s AND cause IS NULL;

-- name: collection
SELECT collection FROM outbox.target WHERE state = 'serving';
