-- One edit of each kind; after each of them Solr must equal the view.

-- name: title
UPDATE catalogue.layer SET title = 'Rivers' WHERE id = 7;

-- name: category_renamed
UPDATE catalogue.category SET gn_description = gn_description || '!'
WHERE id = (SELECT min(category_id) FROM catalogue.layer);

-- name: person_renamed
UPDATE catalogue.person SET username = username || '2' WHERE id = (SELECT min(owner_id) FROM catalogue.layer);

-- name: keyword_renamed
UPDATE catalogue.keyword SET name = name || ' (new)' WHERE id = (SELECT min(keyword_id) FROM catalogue.layer_keyword);

-- name: region_renamed
UPDATE catalogue.region SET name = name || ' (new)' WHERE id = (SELECT min(region_id) FROM catalogue.layer_region);

-- name: keyword_added
INSERT INTO catalogue.layer_keyword (layer_id, keyword_id) SELECT 9, min(id) FROM catalogue.keyword;

-- name: link_moved
UPDATE catalogue.layer_keyword SET layer_id = 11 WHERE id = (SELECT min(id) FROM catalogue.layer_keyword);

-- name: region_removed
DELETE FROM catalogue.layer_region WHERE layer_id = (SELECT min(layer_id) FROM catalogue.layer_region);

-- name: key_changed
UPDATE catalogue.layer SET uuid = gen_random_uuid() WHERE id = 12;

-- name: deleted
WITH keywords AS (DELETE FROM catalogue.layer_keyword WHERE layer_id = 13),
    regions AS (DELETE FROM catalogue.layer_region WHERE layer_id = 13)
DELETE FROM catalogue.layer WHERE id = 13;

-- name: inserted
INSERT INTO catalogue.layer (name, title, owner_id) SELECT 'new', 'A new one', min(id) FROM catalogue.person;

-- name: bulk
UPDATE catalogue.layer SET abstract = abstract || ' Checked.' WHERE id % 3 = 0;

-- name: owner_moved
UPDATE catalogue.layer SET owner_id = (SELECT max(id) FROM catalogue.person) WHERE id = 15;

-- name: category_taken
UPDATE catalogue.layer SET category_id = NULL WHERE id = 16;
