-- name: listen
LISTEN outbox;

-- name: notify_ourselves
SELECT pg_notify('outbox', %(payload)s);

-- name: sleep
-- From now on a trigger that reads this wakes the relay. Only some seconds ahead, and renewed: a relay that dies asleep
-- must not cost the writers a NOTIFY each for hours. Not waited for on the disk: whoever reads it sees it at once, and
-- a crash of Postgres that loses it ends our session too.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true) AS mode)
UPDATE outbox.relay SET asleep_until = clock_timestamp() + interval '30 s' FROM quick WHERE one AND mode = 'off';

-- name: awake
-- Not waited for: if a crash loses it, the writers notify for nothing for some seconds.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true) AS mode)
UPDATE outbox.relay SET asleep_until = '-infinity' FROM quick WHERE one AND mode = 'off';

-- name: bound
-- In a transaction of its own, after `sleep` has committed: every transaction with a lower number may have read *awake*.
SELECT pg_current_xact_id()::text::numeric;

-- name: oldest_running
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric;
