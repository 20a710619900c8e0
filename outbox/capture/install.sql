-- name: lock
-- One apply or detach at a time in a database; the number is ours alone.
SELECT pg_advisory_lock(7266402501)

-- name: hurry
-- For the locks of one table and all its partitions together. Every later writer waits behind us meanwhile: so not for
-- long. And never until Postgres looks for deadlocks: whoever holds a partition may come to wait for another one behind us,
-- and might be the one that is ended.
SELECT set_config(
    'statement_timeout',
    least(200, extract(epoch FROM current_setting('deadlock_timeout')::interval) * 500)::integer::text,
    true
)

-- name: at_leisure
-- What follows waits for nobody, but takes its time where there are hundreds of partitions.
SET LOCAL statement_timeout = 0

-- name: lock_to_alter
-- What CREATE TRIGGER and ENABLE take: writers wait, readers do not.
LOCK TABLE {relation} IN SHARE ROW EXCLUSIVE MODE

-- name: lock_to_drop
-- DROP TRIGGER lets readers wait too, so it comes last, all of a table at once.
LOCK TABLE {relation} IN ACCESS EXCLUSIVE MODE

-- name: disable
ALTER TABLE {relation} DISABLE TRIGGER {trigger}

-- name: enable
ALTER TABLE {relation} ENABLE TRIGGER {trigger}

-- name: enable_always
ALTER TABLE {relation} ENABLE ALWAYS TRIGGER {trigger}

-- name: drop_trigger
DROP TRIGGER IF EXISTS {trigger} ON {relation}

-- name: drop_function
DROP FUNCTION IF EXISTS {function}({arguments})
