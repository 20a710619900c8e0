-- name: count_view
SELECT count(*) FROM {view};

-- name: spell
SELECT k.key::{type}::text FROM unnest(%(keys)s::text[]) AS k (key);

-- name: choosing
-- One snapshot for what is asked first and what is listed then. What the condition of a replay calls may write nothing.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- name: patient
-- Listing the keys of a large view takes as long as it takes.
SET LOCAL statement_timeout = 0;

-- name: matching
-- The condition stands on a line of its own, so that a comment at its end does not swallow the parenthesis. It runs with
-- the rights of who replays, and of nobody else: no condition is ever stored for the relay to evaluate.
DECLARE replayed NO SCROLL CURSOR WITH HOLD FOR
SELECT d.id::text FROM {view} AS d WHERE d.id IS NOT NULL AND (
{condition}
);

-- name: moment
-- A time in Postgres' spelling, given as one or as an interval before now; whether it lies ahead; and, where claims that
-- ended since then are pruned, with their keys, up to when.
SELECT m.at::text, m.at > clock_timestamp(),
    CASE WHEN p.claims_before > '-infinity' AND m.at <= p.claims_before THEN p.claims_before::text END
FROM outbox.pruned AS p
CROSS JOIN (SELECT coalesce(clock_timestamp() - %(ago)s::interval, %(at)s::timestamptz)) AS m (at);

-- name: since
-- Each key once, however many claims it was in. Only done ones: what others wrote was written again by one that was done.
DECLARE replayed NO SCROLL CURSOR WITH HOLD FOR
SELECT DISTINCT k.key FROM outbox.claim AS c CROSS JOIN LATERAL unnest(c.keys) AS k (key)
WHERE c.target IN (SELECT id FROM outbox.target WHERE index = %(index)s) AND c.outcome = 'done'
    AND c.ended_at >= %(since)s::timestamptz;

-- name: fetch
FETCH 1000 FROM replayed;

-- name: close
CLOSE replayed;
