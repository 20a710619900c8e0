-- name: first
BEGIN;
UPDATE atlas.map SET title = 'prepared' WHERE id = 4;
UPDATE atlas.review SET stars = 1 WHERE id = 3;
PREPARE TRANSACTION 'first'

-- name: second
BEGIN;
UPDATE atlas.map SET title = 'prepared' WHERE id = 6;
UPDATE atlas.review SET stars = 1 WHERE id = 1;
PREPARE TRANSACTION 'second'
