-- name: explain
-- Postgres plans the statement, and so checks its names and types, without running it.
EXPLAIN (VERBOSE, FORMAT JSON) {statement}

-- name: no_scans
-- On a small table a scan is the better plan: what is asked is whether an index could be used at all.
SET LOCAL enable_seqscan = off

-- name: no_hashing
-- Then a table is read from end to end only where nothing else is possible, never because it is small beside others.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
    set_config('enable_material', 'off', true)
