-- What the application does to the catalogue while everything breaks. Numbers come from a sequence, so that what a row
-- shows only grows, whoever writes it, and also when it is deleted and inserted again.

-- name: prepare
-- `known`: the rows as they were, to insert them again. The layers above `busy` are quiet: they hang on nothing that is
-- ever renamed, and are edited once or twice. Fan-outs reach all others again and again, and would mend what was lost.
CREATE SCHEMA chaos;
CREATE SEQUENCE chaos.edit;
INSERT INTO catalogue.person (username) VALUES ('quiet');
INSERT INTO catalogue.keyword (name) VALUES ('quiet');
DELETE FROM catalogue.layer_keyword WHERE layer_id > %(busy)s;
DELETE FROM catalogue.layer_region WHERE layer_id > %(busy)s;
UPDATE catalogue.layer SET category_id = NULL, owner_id = (SELECT id FROM catalogue.person WHERE username = 'quiet')
WHERE id > %(busy)s;
CREATE TABLE chaos.known AS SELECT * FROM catalogue.layer;
ALTER TABLE chaos.known ADD PRIMARY KEY (id);

-- name: poison
-- More than 32,766 bytes in a string field: Lucene refuses an immense term. A layer and a category of its own, so that
-- no other document has it.
WITH refused AS (
    INSERT INTO catalogue.category (identifier, gn_description) VALUES ('poison', repeat('x', 40000)) RETURNING id
), person AS (
    INSERT INTO catalogue.person (username) VALUES ('poisoner') RETURNING id
)
INSERT INTO catalogue.layer (name, title, owner_id, category_id)
SELECT 'poison', 'poison', person.id, refused.id FROM refused, person RETURNING uuid::text;

-- name: lock_edit
-- All rows of a transaction, in the order of their ids and before anything else: the writers shall wait for each other,
-- but never in a ring. Links are inserted beside it.
SELECT id FROM catalogue.layer WHERE id = ANY (%(layers)s) ORDER BY id FOR NO KEY UPDATE;

-- name: lock_share
SELECT id FROM catalogue.layer WHERE id = ANY (%(layers)s) ORDER BY id FOR KEY SHARE;

-- name: lock_delete
SELECT id FROM catalogue.layer WHERE id = ANY (%(layers)s) ORDER BY id FOR UPDATE;

-- name: title
UPDATE catalogue.layer SET title = 'edit ' || nextval('chaos.edit') WHERE id = %(layer)s;

-- name: abstract
UPDATE catalogue.layer SET abstract = left(abstract, 200) || ' ' || %(n)s, title = 'edit ' || nextval('chaos.edit')
WHERE id = %(layer)s;

-- name: untracked
UPDATE catalogue.layer SET popular_count = popular_count + 1 WHERE id = %(layer)s;

-- name: nothing
UPDATE catalogue.layer SET title = title WHERE id = %(layer)s;

-- name: box
UPDATE catalogue.layer SET x0 = %(n)s - 10, x1 = %(n)s, y0 = 0, y1 = %(n)s WHERE id = %(layer)s;

-- name: category_of
UPDATE catalogue.layer SET category_id = 1 + %(n)s %% 7 WHERE id = %(layer)s;

-- name: no_category
UPDATE catalogue.layer SET category_id = NULL WHERE id = %(layer)s;

-- name: owner_of
UPDATE catalogue.layer SET owner_id = 1 + %(n)s %% 9 WHERE id = %(layer)s;

-- name: link
INSERT INTO catalogue.layer_keyword (layer_id, keyword_id) VALUES (%(layer)s, 1 + %(n)s);

-- name: link_quiet
INSERT INTO catalogue.layer_keyword (layer_id, keyword_id)
SELECT %(layer)s, id FROM catalogue.keyword WHERE name = 'quiet';

-- name: unlink
DELETE FROM catalogue.layer_keyword WHERE layer_id = %(layer)s AND keyword_id %% 3 = %(n)s %% 3;

-- name: move_links
UPDATE catalogue.layer_keyword SET layer_id = %(other)s WHERE layer_id = %(layer)s;

-- name: lie
INSERT INTO catalogue.layer_region (layer_id, region_id) VALUES (%(layer)s, 1 + %(n)s) ON CONFLICT DO NOTHING;

-- name: leave
DELETE FROM catalogue.layer_region WHERE layer_id = %(layer)s;

-- name: key
UPDATE catalogue.layer SET uuid = gen_random_uuid() WHERE id = %(layer)s;

-- name: delete_links
DELETE FROM catalogue.layer_keyword WHERE layer_id = %(layer)s;

-- name: delete_regions
DELETE FROM catalogue.layer_region WHERE layer_id = %(layer)s;

-- name: delete
DELETE FROM catalogue.layer WHERE id = %(layer)s;

-- name: insert_again
-- The same key, unless it is there.
INSERT INTO catalogue.layer (id, uuid, name, title, abstract, owner_id, category_id)
SELECT id, uuid, name, 'edit ' || nextval('chaos.edit'), abstract, owner_id, category_id
FROM chaos.known WHERE id = %(layer)s
ON CONFLICT DO NOTHING;

-- name: insert
-- A quiet one.
INSERT INTO catalogue.layer (name, title, owner_id)
SELECT 'new', 'edit ' || nextval('chaos.edit'), id FROM catalogue.person WHERE username = 'quiet';

-- name: category
UPDATE catalogue.category SET gn_description = 'category ' || %(n)s WHERE id = 1 + %(n)s %% 7;

-- name: region
UPDATE catalogue.region SET name = left(name, 20) || %(n)s WHERE id = 1 + %(n)s %% 9;

-- name: keyword
-- Alone in its transaction, as `person` is: their names are unique, so that whoever refers to them waits.
UPDATE catalogue.keyword SET name = left(name, 20) || ' ' || nextval('chaos.edit') WHERE id = 1 + %(n)s;

-- name: person
UPDATE catalogue.person SET username = left(username, 20) || ' ' || nextval('chaos.edit') WHERE id = 1 + %(n)s %% 9;

-- name: savepoint
SAVEPOINT a;

-- name: back
ROLLBACK TO SAVEPOINT a;
