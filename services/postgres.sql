-- name: database_exists
-- Asked first, because CREATE DATABASE knows no IF NOT EXISTS.
SELECT count(*) FROM pg_database WHERE datname = %s

-- name: create_database
CREATE DATABASE {}

-- name: answer
SELECT 1
