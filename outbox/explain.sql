-- name: events
-- The newest events of a key, with what each came of: a fan-out's table and operation stand in its keys' events too.
SELECT e.id, e.source::text, e.op::text, e.lane::text, e.target, e.cause, e.created_at, e.available_at, e.suspect, e.claim,
    e.done_at, e.dead_at, e.last_error
FROM outbox.event AS e WHERE e.index = %(index)s AND e.key = %(key)s ORDER BY e.id DESC LIMIT 20;

-- name: claims
-- Those that marked its events, that hold it now, and the one whose number is the document's version.
SELECT c.number, c.lane::text, cardinality(c.keys) AS keys, c.created_at, c.published_at, c.begun_at, c.ended_at, c.worker,
    c.outcome, c.error
FROM outbox.claim AS c
WHERE c.number = ANY (%(numbers)s::bigint[]) OR (c.target = %(target)s AND c.ended_at IS NULL AND %(key)s = ANY (c.keys))
ORDER BY c.number DESC;

-- name: fanouts
-- Not yet expanded: any of them may mean this document.
SELECT count(*) FROM outbox.event
WHERE index = %(index)s AND key IS NULL AND done_at IS NULL AND dead_at IS NULL;

-- name: breaker
SELECT failing_since, reason FROM outbox.target WHERE id = %(target)s;
