-- name: lock
-- One apply or detach at a time in a database; the number is ours alone.
SELECT pg_advisory_lock(7266402501)

-- name: unlock
SELECT pg_advisory_unlock(7266402501)

-- name: lock_timeout
-- Making a trigger waits for the table's writers, and all later ones wait behind it: so it never waits for long.
SET LOCAL lock_timeout = '200ms'

-- name: disable
ALTER TABLE {relation} DISABLE TRIGGER {trigger}

-- name: enable
ALTER TABLE {relation} ENABLE TRIGGER {trigger}

-- name: enable_always
ALTER TABLE {relation} ENABLE ALWAYS TRIGGER {trigger}

-- name: drop_trigger
-- Waits for every reader too (ACCESS EXCLUSIVE), so it comes last and by itself.
DROP TRIGGER IF EXISTS {trigger} ON {relation}

-- name: drop_function
DROP FUNCTION IF EXISTS {function}({arguments})
