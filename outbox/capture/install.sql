-- name: lock
-- One apply or detach at a time in a database; the number is ours alone.
SELECT pg_advisory_lock(7266402501)

-- name: unlock
SELECT pg_advisory_unlock(7266402501)

-- name: triggers
-- Every trigger of an index, without the copies that partitions have of their parent's.
SELECT t.tgrelid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), t.tgname, t.tgenabled::text
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgname LIKE %(pattern)s
ORDER BY 2, 3

-- name: functions
-- The functions of an index, with the body of those that are not SQL.
SELECT p.proname, p.prosrc, pg_get_function_identity_arguments(p.oid)
FROM pg_proc p
WHERE p.pronamespace = 'outbox'::regnamespace AND (p.proname LIKE %(capture)s OR p.proname LIKE %(value)s)
ORDER BY 1

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
