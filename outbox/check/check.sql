-- name: max_prepared_transactions
SELECT current_setting('max_prepared_transactions')::integer

-- name: view
-- NULL where it is gone.
SELECT to_regclass(%(view)s)::oid
