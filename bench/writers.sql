-- name: shown_on_one
UPDATE {schema}.document SET reference = 1;

-- name: forget
TRUNCATE outbox.event;

-- name: asleep
UPDATE outbox.relay SET asleep_until = 'infinity';

-- name: awake
UPDATE outbox.relay SET asleep_until = '-infinity';

-- name: shown
-- Of pgbench: one document's title.
\set id random(1, {rows})
UPDATE {schema}.document SET title = md5(random()::text) WHERE id = :id;

-- name: untracked
-- Of pgbench: a column that no document shows.
\set id random(1, {rows})
UPDATE {schema}.document SET seen = seen + 1 WHERE id = :id;

-- name: rename
UPDATE {schema}.reference SET name = md5(random()::text) WHERE id = 1;

-- name: all
UPDATE {schema}.document SET title = md5(random()::text);

-- name: vacuum
VACUUM {schema}.document;
