-- name: fanouts
-- Fan-out events that may be expanded, the oldest first. Those that were begun to be enumerated carry a progress.
SELECT id, way, route, op::text, lane::text, progress FROM outbox.event
WHERE index = %(index)s AND key IS NULL AND done_at IS NULL AND dead_at IS NULL AND available_at <= clock_timestamp()
ORDER BY available_at, id LIMIT %(most)s
FOR UPDATE SKIP LOCKED;

-- name: add_keys
-- The events that a fan-out becomes: as old as their cause, so that the age of what waits is that of the change.
-- The causes are looked up by themselves: joined to so many keys, Postgres read the whole table for each chunk of them.
WITH cause AS MATERIALIZED (
    SELECT id, index, target, source, op, created_at FROM outbox.event
    WHERE id = ANY (ARRAY(SELECT DISTINCT unnest(%(ids)s::bigint[])))
)
INSERT INTO outbox.event (index, target, lane, key, cause, source, op, created_at)
SELECT c.index, c.target, %(lane)s::outbox.lane, k.key, c.id, c.source, c.op, c.created_at
FROM unnest(%(ids)s::bigint[], %(keys)s::text[]) AS k (id, key) JOIN cause AS c ON c.id = k.id;

-- name: add_listed
-- As `add_keys`, for the keys that a statement lists in its order: they need not travel to us and back. How many there
-- are, and the last if there may be more. What is materialised is given in the order in which it came.
WITH listed (key) AS MATERIALIZED (
{keys}
), added AS (
    INSERT INTO outbox.event (index, target, lane, key, cause, source, op, created_at)
    SELECT c.index, c.target, %(lane)s::outbox.lane, k.key, c.id, c.source, c.op, c.created_at
    FROM listed AS k CROSS JOIN (SELECT * FROM outbox.event WHERE id = %(cause)s) AS c
)
SELECT count(*), (SELECT key FROM listed OFFSET %(most)s - 1) FROM listed;

-- name: expanded
UPDATE outbox.event SET done_at = clock_timestamp() WHERE id = ANY (%(ids)s::bigint[]) AND done_at IS NULL;

-- name: progress
-- In the transaction of the chunk: a relay that dies goes on where the last committed chunk ended.
UPDATE outbox.event SET progress = %(progress)s, lane = %(lane)s::outbox.lane WHERE id = %(id)s;

-- name: fold
-- Events that mean all documents and wait: one enumeration stands for all that were committed before it starts. A table
-- that is declared with "all" writes one for each changed row. The one with the lowest id stands for them, so that who
-- waits for any of them by its id waits for what it is expanded to. Without replays, which are watched one by one, and
-- apart for TRUNCATE, whose enumeration finds more. What another relay holds is left to it.
WITH waiting AS MATERIALIZED (
    SELECT id FROM outbox.event
    WHERE index = %(index)s AND key IS NULL AND done_at IS NULL AND dead_at IS NULL AND progress IS NULL
        AND (op = 'T') = %(truncate)s AND op <> 'R' AND (way IS NULL OR way <> ALL (%(ways)s::smallint[]))
    FOR UPDATE SKIP LOCKED
), folded AS (
    UPDATE outbox.event SET done_at = clock_timestamp(), last_error = format('enumerated by event %%s', f.id)
    FROM (SELECT min(id) AS id FROM waiting) AS f
    WHERE event.id IN (SELECT id FROM waiting) AND event.id > f.id
)
SELECT min(id), count(*) FROM waiting;

-- name: postpone
UPDATE outbox.event SET available_at = clock_timestamp() + %(delay)s, last_error = left(%(error)s, 2000)
WHERE id = %(id)s;

-- name: bury
UPDATE outbox.event SET dead_at = clock_timestamp(), last_error = left(%(error)s, 2000) WHERE id = %(id)s;

-- name: bulk_backlog
-- How many keys wait in a lane, counted no further than `most`: expansion stays only so far ahead of the workers.
SELECT count(*) FROM (
    SELECT FROM outbox.event
    WHERE index = %(index)s AND target = 0 AND lane = %(lane)s::outbox.lane AND key IS NOT NULL AND suspect = 0
        AND done_at IS NULL AND dead_at IS NULL
    LIMIT %(most)s
) AS waiting;

-- name: known_keys
-- Every key that an event ever named, in chunks: what a TRUNCATE of the root may have removed and no searcher shows yet.
SELECT DISTINCT key COLLATE "C" AS key FROM outbox.event
WHERE index = %(index)s AND key IS NOT NULL AND (%(after)s::text IS NULL OR key COLLATE "C" > %(after)s)
ORDER BY key LIMIT %(most)s;

-- name: replay_keys
INSERT INTO outbox.event (index, lane, key, op)
SELECT %(index)s, 'replay', key, 'R' FROM unnest(%(keys)s::text[]) AS k (key)
RETURNING id;

-- name: replay_all
-- One fan-out event without a way: all documents of the index. The relay enumerates them in chunks.
INSERT INTO outbox.event (index, lane, op) VALUES (%(index)s, 'replay', 'R') RETURNING id;

-- name: highest
SELECT coalesce(max(id), 0) FROM outbox.event;

-- name: unfinished
-- Of the events up to an id, and of those that they were expanded into; without those of detached indexes.
-- In three parts, each by the partial index that holds it: done events, of which there are far more, are not read.
SELECT (
    SELECT count(*) FROM outbox.event WHERE key IS NOT NULL AND suspect = 0 AND done_at IS NULL AND dead_at IS NULL
        AND (id <= %(id)s OR cause <= %(id)s) AND index NOT IN (SELECT id FROM outbox.index WHERE detached_at IS NOT NULL)
) + (
    SELECT count(*) FROM outbox.event WHERE key IS NULL AND done_at IS NULL AND dead_at IS NULL
        AND (id <= %(id)s OR cause <= %(id)s) AND index NOT IN (SELECT id FROM outbox.index WHERE detached_at IS NOT NULL)
) + (
    SELECT count(*) FROM outbox.event WHERE suspect > 0 AND done_at IS NULL AND key IS NOT NULL AND dead_at IS NULL
        AND (id <= %(id)s OR cause <= %(id)s) AND index NOT IN (SELECT id FROM outbox.index WHERE detached_at IS NOT NULL)
);

-- name: progress_of
-- How far one fan-out event has come: is it expanded, how many keys it became, how many of them are done, or dead.
SELECT f.done_at IS NOT NULL, count(e.id), count(e.done_at), count(e.dead_at) FILTER (WHERE e.done_at IS NULL)
FROM outbox.event AS f LEFT JOIN outbox.event AS e ON e.cause = f.id WHERE f.id = %(id)s GROUP BY f.id;

-- name: enumerated
-- How far the relay has come with a fan-out event: is it over, the keys so far, and why it waits if it does. Out of its
-- own row: what became of it is not counted, which takes a scan. Without its row it is over, and pruned.
SELECT f.done_at IS NOT NULL OR f.dead_at IS NOT NULL, coalesce((f.progress ->> 'keys')::bigint, 0),
    CASE WHEN f.available_at > clock_timestamp() THEN f.last_error END
FROM outbox.event AS f WHERE f.id = %(id)s;

-- name: dead_among
SELECT count(*) FROM outbox.event
WHERE dead_at IS NOT NULL AND done_at IS NULL AND (id <= %(id)s OR cause <= %(id)s);
