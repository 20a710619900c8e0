-- Statements of the load.

-- name: exists
SELECT to_regclass('catalogue.layer') IS NOT NULL;

-- name: has_view
SELECT to_regclass('catalogue.layer_document') IS NOT NULL;

-- name: has_envelope
SELECT to_regtype('outbox.envelope') IS NOT NULL;

-- name: has_layers
SELECT EXISTS (SELECT FROM catalogue.layer);

-- name: empty
-- All at once, for the foreign keys; ids begin at 1 again, for the link rows name them.
TRUNCATE catalogue.layer, catalogue.category, catalogue.person, catalogue.keyword, catalogue.region,
    catalogue.layer_keyword, catalogue.layer_region RESTART IDENTITY;

-- name: set_sequences
-- The layers came with their ids: the next row that somebody inserts must not collide. false: the value is yet unused.
SELECT setval(pg_get_serial_sequence('catalogue.layer', 'id'), coalesce(max(id), 0) + 1, false) FROM catalogue.layer;

-- name: check_links
-- Now, not at the commit: within an open transaction the tables could not be emptied again otherwise.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;

-- name: analyze
ANALYZE catalogue.layer, catalogue.category, catalogue.person, catalogue.keyword, catalogue.region,
    catalogue.layer_keyword, catalogue.layer_region;
