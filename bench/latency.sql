-- Statements of the latency benchmark.

-- name: edit
UPDATE catalogue.layer SET title = %(title)s WHERE id = %(layer)s;

-- name: event
-- The event that the trigger wrote in this session's transaction: the last number that the session drew.
SELECT currval(pg_get_serial_sequence('outbox.event', 'id'));

-- name: waiting
SELECT count(*) FROM outbox.event WHERE done_at IS NULL;

-- name: replays
-- Does anything of the bulk lanes wait? By the partial indexes, a lane at a time.
SELECT EXISTS (SELECT FROM outbox.event WHERE key IS NULL AND done_at IS NULL AND dead_at IS NULL)
    OR EXISTS (SELECT FROM outbox.event WHERE key IS NOT NULL AND suspect = 0 AND done_at IS NULL AND dead_at IS NULL
        AND lane <> 'live');

-- name: done
-- When the worker marked the event done: in one statement after Solr's acknowledgement.
SELECT id, extract(epoch FROM done_at)::float8 FROM outbox.event WHERE id = ANY (%(events)s) AND done_at IS NOT NULL;

-- name: newest_claim
SELECT coalesce(max(number), 0) FROM outbox.claim;

-- name: claims
SELECT count(*), coalesce(sum(documents), 0)::bigint FROM outbox.claim
WHERE number > %(after)s AND outcome = 'done' AND lane = 'live';
