-- name: applied
-- The indexes that are applied: events of others wait.
SELECT id, name, definition, applied_at FROM outbox.index WHERE definition IS NOT NULL AND id = %(index)s;

-- name: survey
-- All that the relay has to know before it acts, in one round trip: for each target what waits, since when it may be
-- taken, and what is in flight. Nothing is done for a detached index: its view may be gone. Each ORDER BY … LIMIT 1 reads one
-- end of a partial index, from now on backwards or forwards, as a bound that stays the same within a statement lets it. Of
-- keys the newest that may be taken is looked for, else the next that comes later: the oldest end is where those were that
-- are done, and until it is vacuumed each look would read them all (1.3 to 2.7 ms in ninety seconds of a replay).
SELECT t.id, t.index, i.name, t.collection, t.state = 'serving',
    i.paused OR (i.paused_until > clock_timestamp()) IS TRUE, i.applied_at,
    t.retry_at IS NOT NULL, (t.retry_at > clock_timestamp()) IS TRUE,
    t.checked_server IS DISTINCT FROM pg_postmaster_start_time(), (t.recheck_at <= clock_timestamp()) IS TRUE, t.batch, t.failed,
    (keys.live <= clock_timestamp()) IS TRUE, (keys.fanout <= clock_timestamp()) IS TRUE,
    (keys.replay <= clock_timestamp()) IS TRUE, (unexpanded.available_at <= clock_timestamp()) IS TRUE, newest.id,
    (suspects.available_at <= clock_timestamp()) IS TRUE, suspects.dead,
    extract(epoch FROM due.at - clock_timestamp())::float8,
    flying.live, flying.bulk, flying.bulk_unbegun, flying.suspects, flying.over
FROM outbox.target AS t
JOIN outbox.index AS i ON i.id = t.index AND i.definition IS NOT NULL AND i.detached_at IS NULL
CROSS JOIN LATERAL (SELECT CASE WHEN t.state = 'serving' THEN 0 ELSE t.id END::smallint AS queue) AS q
CROSS JOIN LATERAL (
    SELECT max(a.at) FILTER (WHERE l.lane = 'live') AS live, max(a.at) FILTER (WHERE l.lane = 'fanout') AS fanout,
        max(a.at) FILTER (WHERE l.lane = 'replay') AS replay
    FROM unnest(enum_range(NULL::outbox.lane)) AS l (lane)
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT e.available_at FROM outbox.event AS e
            WHERE e.index = t.index AND e.target = q.queue AND e.lane = l.lane AND e.key IS NOT NULL AND e.suspect = 0
                AND e.done_at IS NULL AND e.dead_at IS NULL AND e.available_at <= statement_timestamp()
            ORDER BY e.available_at DESC, e.id DESC LIMIT 1
        ), (
            SELECT e.available_at FROM outbox.event AS e
            WHERE e.index = t.index AND e.target = q.queue AND e.lane = l.lane AND e.key IS NOT NULL AND e.suspect = 0
                AND e.done_at IS NULL AND e.dead_at IS NULL AND e.available_at > statement_timestamp()
            ORDER BY e.available_at, e.id LIMIT 1
        )) AS at
    ) AS a
) AS keys
LEFT JOIN LATERAL (
    SELECT e.available_at FROM outbox.event AS e
    WHERE t.state = 'serving' AND e.index = t.index AND e.key IS NULL AND e.done_at IS NULL AND e.dead_at IS NULL
    ORDER BY e.available_at, e.id LIMIT 1
) AS unexpanded ON true
LEFT JOIN LATERAL (
    SELECT e.id FROM outbox.event AS e
    WHERE t.state = 'serving' AND e.index = t.index AND e.key IS NULL AND e.done_at IS NULL AND e.dead_at IS NULL
        AND e.available_at <= statement_timestamp()
    ORDER BY e.available_at DESC, e.id DESC LIMIT 1
) AS newest ON true
CROSS JOIN LATERAL (
    SELECT min(e.available_at) FILTER (WHERE e.dead_at IS NULL) AS available_at,
        coalesce(bool_or(e.dead_at IS NOT NULL), false) AS dead
    FROM outbox.event AS e WHERE e.index = t.index AND e.target = q.queue AND e.suspect > 0 AND e.done_at IS NULL
) AS suspects
CROSS JOIN LATERAL (
    SELECT min(a.at) AS at
    FROM (VALUES (keys.live), (keys.fanout), (keys.replay), (unexpanded.available_at),
        (suspects.available_at), (t.retry_at), (t.recheck_at)) AS a (at)
    WHERE a.at > clock_timestamp()
) AS due
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE c.lane = 'live') AS live, count(*) FILTER (WHERE c.lane <> 'live') AS bulk,
        count(*) FILTER (WHERE c.lane <> 'live' AND c.begun_at IS NULL) AS bulk_unbegun,
        count(*) FILTER (WHERE c.suspects) AS suspects,
        count(*) FILTER (WHERE c.leased_until < clock_timestamp() OR c.server <> pg_postmaster_start_time()) AS over
    FROM outbox.claim AS c WHERE c.target = t.id AND c.ended_at IS NULL
) AS flying
WHERE t.state IN ('serving', 'building', 'standby')
ORDER BY t.id;

-- name: trip
-- Opens the breaker, or holds it open: half a second at first, then as long again as the outage lasts, five seconds at
-- most. That is a doubling without a counter. It counts from the begin of the claim that failed: a Solr that starts
-- holds the probe for seconds before it answers 404, and is up a moment later. Nothing but a probe of one document is
-- claimed meanwhile. A claim that failed after a younger one was done says nothing of now.
UPDATE outbox.target
SET failing_since = coalesce(failing_since, clock_timestamp()), reason = left(%(reason)s, 2000), batch = 1,
    failed = %(number)s,
    retry_at = greatest(
        clock_timestamp() + greatest(%(at_least)s::interval, interval '0.5 s'),
        coalesce((SELECT c.begun_at FROM outbox.claim AS c WHERE c.number = %(number)s), clock_timestamp())
            + least(interval '5 s', clock_timestamp() - coalesce(failing_since, clock_timestamp()))
    )
WHERE id = %(target)s AND NOT EXISTS (
    SELECT FROM outbox.claim AS c WHERE c.number > %(number)s AND c.target = %(target)s AND c.outcome = 'done'
);

-- name: recover
-- Closes the breaker after a success; the next claims have at most eight times its documents, so that a Solr that just
-- came up is not overrun. Of two claims that end together, none counts for the other.
UPDATE outbox.target
SET retry_at = NULL, failing_since = NULL, reason = NULL, failed = NULL,
    batch = CASE WHEN 8 * %(documents)s < 500 THEN greatest(batch, 8 * %(documents)s) END
WHERE id = %(target)s AND (retry_at IS NOT NULL OR batch IS NOT NULL);
