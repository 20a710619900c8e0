-- name: count_view
SELECT count(*) FROM {view};

-- name: spell
SELECT k.key::{type}::text FROM unnest(%(keys)s::text[]) AS k (key);
