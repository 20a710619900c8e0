-- name: one_owner
UPDATE catalogue.layer SET owner_id = (SELECT min(id) FROM catalogue.person);

-- name: count
SELECT count(*) FROM catalogue.layer WHERE owner_id = (SELECT min(id) FROM catalogue.person);

-- name: rename
UPDATE catalogue.person SET username = 'owner ' || md5(random()::text) WHERE id = (SELECT min(id) FROM catalogue.person);
