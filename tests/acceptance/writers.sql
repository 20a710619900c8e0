-- Writers that never meet in a row: each has layers, a category, a person, keywords and regions of its own, so that they
-- cannot wait for each other, in whatever order they take the tables. Only who locks whole tables can be in their way.

-- name: own
-- What one writer has: some of each from the number %(own)s on, far from those of the sample.
WITH c AS (INSERT INTO catalogue.category (id, identifier, gn_description) VALUES (%(own)s, 'w' || %(own)s, 'category')),
    p AS (INSERT INTO catalogue.person (id, username) VALUES (%(own)s, 'w' || %(own)s)),
    k AS (INSERT INTO catalogue.keyword (id, name) SELECT i, 'w' || i FROM generate_series(%(own)s, %(own)s + 4) AS i),
    r AS (INSERT INTO catalogue.region (id, code, name) SELECT i, i, 'w' || i FROM generate_series(%(own)s, %(own)s + 4) AS i)
INSERT INTO catalogue.layer (id, name, title, category_id, owner_id)
SELECT i, 'w' || i, 'title', %(own)s, %(own)s FROM generate_series(%(own)s, %(own)s + 9) AS i

-- name: title
UPDATE catalogue.layer SET title = 'title ' || %(turn)s WHERE id = %(own)s + %(turn)s %% 5

-- name: category
UPDATE catalogue.category SET gn_description = 'category ' || %(turn)s WHERE id = %(own)s

-- name: person
UPDATE catalogue.person SET username = 'w' || %(own)s || ' ' || %(turn)s WHERE id = %(own)s

-- name: keyword
UPDATE catalogue.keyword SET name = 'w' || id || ' ' || %(turn)s WHERE id = %(own)s + %(turn)s %% 5

-- name: region
UPDATE catalogue.region SET name = 'w' || id || ' ' || %(turn)s WHERE id = %(own)s + %(turn)s %% 5

-- name: link
INSERT INTO catalogue.layer_keyword (layer_id, keyword_id) VALUES (%(own)s + %(turn)s %% 5, %(own)s + %(turn)s %% 3)

-- name: unlink
DELETE FROM catalogue.layer_keyword WHERE layer_id = %(own)s + (%(turn)s + 2) %% 5

-- name: lie
INSERT INTO catalogue.layer_region (layer_id, region_id) VALUES (%(own)s + %(turn)s %% 5, %(own)s + %(turn)s %% 3)
ON CONFLICT DO NOTHING

-- name: deadlocks
SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()

-- name: triggers
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'outbox\_%'
