-- name: list
SELECT e.id, i.name, e.key, e.source::text, e.op::text, e.created_at, e.dead_at, e.claim, e.last_error
FROM outbox.event AS e JOIN outbox.index AS i ON i.id = e.index
WHERE e.dead_at IS NOT NULL AND e.done_at IS NULL AND (%(index)s::text IS NULL OR i.name = %(index)s)
    AND (%(ids)s::bigint[] IS NULL OR e.id = ANY (%(ids)s::bigint[]))
ORDER BY e.dead_at, e.id LIMIT %(most)s;

-- name: story
-- Everything about one event: resolved or not, what it came of, and the claim that marked it.
SELECT e.id, i.name AS index, e.key, e.way, e.route, e.source::text, e.op::text, e.lane::text, e.cause, e.created_at,
    e.suspect, e.claim, c.worker, c.begun_at, c.ended_at, c.outcome, e.dead_at, e.done_at, e.last_error
FROM outbox.event AS e
JOIN outbox.index AS i ON i.id = e.index
LEFT JOIN outbox.claim AS c ON c.number = e.claim
WHERE e.id = %(id)s;

-- name: retry
-- Appends an event for each: the dead one is resolved when that is indexed, and stands for the key until then. A fan-out
-- has no key that could be indexed: it is resolved by its copy. In the order of ids, and past what others hold, so that
-- two commands do not deadlock.
WITH chosen AS (
    SELECT e.id FROM outbox.event AS e JOIN outbox.index AS i ON i.id = e.index
    WHERE e.dead_at IS NOT NULL AND e.done_at IS NULL AND (%(index)s::text IS NULL OR i.name = %(index)s)
        AND (%(ids)s::bigint[] IS NULL OR e.id = ANY (%(ids)s::bigint[]))
    ORDER BY e.id FOR UPDATE OF e SKIP LOCKED
), resolved AS (
    UPDATE outbox.event AS e SET done_at = clock_timestamp(), last_error = 'tried again: ' || e.last_error
    FROM chosen WHERE e.id = chosen.id AND e.key IS NULL
)
INSERT INTO outbox.event (index, target, lane, key, way, route, source, op, cause)
SELECT e.index, e.target, 'replay', e.key, e.way, e.route, e.source, CASE WHEN e.key IS NULL THEN e.op ELSE 'R' END, e.id
FROM chosen JOIN outbox.event AS e USING (id) ORDER BY e.id
RETURNING id;

-- name: discard
WITH chosen AS (
    SELECT e.id FROM outbox.event AS e JOIN outbox.index AS i ON i.id = e.index
    WHERE e.dead_at IS NOT NULL AND e.done_at IS NULL AND (%(index)s::text IS NULL OR i.name = %(index)s)
        AND (%(ids)s::bigint[] IS NULL OR e.id = ANY (%(ids)s::bigint[]))
    ORDER BY e.id FOR UPDATE OF e SKIP LOCKED
)
UPDATE outbox.event AS e SET done_at = clock_timestamp(), last_error = 'discarded: ' || e.last_error
FROM chosen WHERE e.id = chosen.id
RETURNING e.id;
