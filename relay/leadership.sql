-- name: renew
-- Ours, or two seconds without a sign of its holder: a frozen or cut-off leader would hold a session's lock for ever.
-- Not waited for on the disk: what a crash of Postgres loses is renewed by whoever connects first.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true) AS mode)
UPDATE outbox.leader SET holder = %(holder)s, renewed_at = clock_timestamp() FROM quick
WHERE one AND mode = 'off' AND (holder = %(holder)s OR renewed_at < clock_timestamp() - interval '2 s')
RETURNING true;

-- name: resign
UPDATE outbox.leader SET renewed_at = '-infinity' WHERE one AND holder = %(holder)s;
