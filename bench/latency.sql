-- Statements of the latency benchmark.

-- name: edit
UPDATE catalogue.layer SET title = %(title)s WHERE id = %(layer)s;

-- name: event
-- The event that the trigger wrote in this session's transaction: the last number that the session drew.
SELECT currval(pg_get_serial_sequence('outbox.event', 'id'));

-- name: waiting
-- Does anything wait? Each in the order of its partial index, as it is asked often beside what is measured: counted, the
-- rows that are done would be read each time.
SELECT coalesce(
    (SELECT id FROM outbox.event WHERE key IS NULL AND done_at IS NULL AND dead_at IS NULL
        ORDER BY index, available_at, id LIMIT 1),
    (SELECT id FROM outbox.event WHERE key IS NOT NULL AND suspect = 0 AND done_at IS NULL AND dead_at IS NULL
        ORDER BY index, target, lane, available_at, id LIMIT 1),
    (SELECT id FROM outbox.event WHERE suspect > 0 AND done_at IS NULL ORDER BY index, target, key LIMIT 1),
    (SELECT id FROM outbox.event WHERE dead_at IS NOT NULL AND done_at IS NULL ORDER BY index, target, key LIMIT 1)
) IS NOT NULL;

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
