-- name: explain
-- Postgres plans the statement, and so checks its names and types, without running it.
EXPLAIN (FORMAT JSON) {statement}

-- name: no_scans
-- On a small table a scan is the better plan: what is asked is whether an index could be used at all.
SET LOCAL enable_seqscan = off
