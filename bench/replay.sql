-- name: keys
SELECT uuid::text FROM catalogue.layer ORDER BY id;

-- name: claim
-- By hand, to be rolled back: the worker's read statement reads the documents of a claim that is in flight.
INSERT INTO outbox.claim (number, leased_until, work_lease, begun_at, lane, index, target, keys, events)
SELECT nextval('outbox.claim_number'), clock_timestamp() + interval '1 h', interval '1 h', clock_timestamp(), 'replay',
    i.id, t.id, %(keys)s, '{}'
FROM outbox.index AS i JOIN outbox.target AS t ON t.index = i.id AND t.state = 'serving' WHERE i.name = 'layers'
RETURNING number;

-- name: number
SELECT nextval('outbox.claim_number');

-- name: layer
SELECT id, uuid::text, name, title, abstract, x0, x1, y0, y1, category_id, owner_id, date FROM catalogue.layer
WHERE id = %(id)s;

-- name: category
SELECT gn_description FROM catalogue.category WHERE id = %(id)s;

-- name: person
SELECT username FROM catalogue.person WHERE id = %(id)s;

-- name: keywords
SELECT k.name FROM catalogue.keyword AS k JOIN catalogue.layer_keyword AS l ON l.keyword_id = k.id WHERE l.layer_id = %(id)s;

-- name: regions
SELECT r.name FROM catalogue.region AS r JOIN catalogue.layer_region AS l ON l.region_id = r.id WHERE l.layer_id = %(id)s;

-- name: plain
-- Layers whose documents the tutorial's code takes as they are, each with the version that it shall have: a finite date, and
-- a box that Solr takes.
SELECT id, nextval('outbox.claim_number') FROM catalogue.layer
WHERE isfinite(date) AND x0 BETWEEN -180 AND x1 AND x1 <= 180 AND y0 BETWEEN -90 AND y1 AND y1 <= 90 ORDER BY id LIMIT %(most)s;

-- name: count
SELECT count(*) FROM catalogue.layer;

-- name: now
SELECT clock_timestamp();

-- name: took
-- Seconds from then to the end of the last claim that was made since.
SELECT extract(epoch FROM max(ended_at) - %(since)s)::float8 FROM outbox.claim WHERE created_at > %(since)s AND outcome = 'done';

-- name: backends
-- What each process of Postgres is for.
SELECT pid, coalesce(nullif(application_name, ''), backend_type) FROM pg_stat_activity;
