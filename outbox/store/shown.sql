-- name: shown
-- By the key alone: what else the view shows is not computed, as far as its joins allow.
SELECT d.id::text FROM {view} AS d WHERE d.id = ANY (%(keys)s::{type}[]);
