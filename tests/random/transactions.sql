-- name: title
UPDATE catalogue.layer SET title = title || '!' WHERE id = %(a)s;

-- name: untracked
UPDATE catalogue.layer SET popular_count = popular_count + 1 WHERE id = %(a)s;

-- name: box
UPDATE catalogue.layer SET x0 = %(n)s - 10, x1 = %(n)s, y0 = 0, y1 = %(n)s WHERE id BETWEEN %(a)s AND %(a)s + 2;

-- name: category_of
UPDATE catalogue.layer SET category_id = (SELECT id FROM catalogue.category ORDER BY id OFFSET %(n)s %% 5 LIMIT 1)
WHERE id = %(a)s;

-- name: no_category
UPDATE catalogue.layer SET category_id = NULL WHERE id = %(a)s;

-- name: key
UPDATE catalogue.layer SET uuid = gen_random_uuid() WHERE id = %(a)s;

-- name: owner
UPDATE catalogue.layer SET owner_id = (SELECT owner_id FROM catalogue.layer WHERE id = %(b)s)
WHERE id = %(a)s AND EXISTS (SELECT FROM catalogue.layer WHERE id = %(b)s);

-- name: category
UPDATE catalogue.category SET gn_description = 'category ' || %(n)s
WHERE id = (SELECT id FROM catalogue.category ORDER BY id OFFSET %(n)s %% 7 LIMIT 1);

-- name: keyword
UPDATE catalogue.keyword SET name = left(name, 20) || ' ' || %(n)s || random()
WHERE id = (SELECT id FROM catalogue.keyword ORDER BY id OFFSET %(n)s LIMIT 1);

-- name: person
UPDATE catalogue.person SET username = left(username, 20) || %(n)s || random()
WHERE id = (SELECT owner_id FROM catalogue.layer WHERE id = %(a)s);

-- name: region
UPDATE catalogue.region SET name = 'region ' || %(n)s
WHERE id = (SELECT id FROM catalogue.region ORDER BY id OFFSET %(n)s %% 9 LIMIT 1);

-- name: link
INSERT INTO catalogue.layer_keyword (layer_id, keyword_id)
SELECT l.id, k.id FROM catalogue.layer AS l, (SELECT id FROM catalogue.keyword ORDER BY id OFFSET %(n)s LIMIT 1) AS k
WHERE l.id = %(a)s;

-- name: unlink
DELETE FROM catalogue.layer_keyword WHERE layer_id = %(a)s;

-- name: move_links
UPDATE catalogue.layer_keyword SET layer_id = %(b)s
WHERE layer_id = %(a)s AND EXISTS (SELECT FROM catalogue.layer WHERE id = %(b)s);

-- name: insert
INSERT INTO catalogue.layer (name, title, owner_id)
SELECT 'n' || %(n)s, 'new ' || %(n)s, owner_id FROM catalogue.layer ORDER BY id LIMIT 1;

-- name: copy
INSERT INTO catalogue.layer (name, title, abstract, owner_id, category_id)
SELECT name, title || ' copy', abstract, owner_id, category_id FROM catalogue.layer WHERE id = %(a)s;

-- name: delete
WITH k AS (DELETE FROM catalogue.layer_keyword WHERE layer_id = %(a)s),
    r AS (DELETE FROM catalogue.layer_region WHERE layer_id = %(a)s)
DELETE FROM catalogue.layer WHERE id = %(a)s;

-- name: savepoint
SAVEPOINT a;

-- name: back
ROLLBACK TO SAVEPOINT a;
