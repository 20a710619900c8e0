-- name: pause
-- For some seconds, to be renewed: a command that dies must not leave an index standing still.
UPDATE outbox.index SET paused_until = clock_timestamp() + %(seconds)s * interval '1 s' WHERE id = ANY (%(ids)s::smallint[]);

-- name: hold
-- Until somebody lets them go on: two cores exchange their names, and nothing may be written until we know that too.
UPDATE outbox.index SET paused_until = 'infinity' WHERE id = ANY (%(ids)s::smallint[]);

-- name: go_on
UPDATE outbox.index SET paused_until = NULL WHERE id = ANY (%(ids)s::smallint[]);

-- name: in_flight
SELECT count(*) FROM outbox.claim WHERE index = ANY (%(ids)s::smallint[]) AND ended_at IS NULL;

-- name: highest
SELECT coalesce(max(id), 0) FROM outbox.event;

-- name: waiting
-- Of one index, up to an event, and of what fan-outs up to it became.
SELECT count(*) FROM outbox.event
WHERE index = %(index)s AND done_at IS NULL AND dead_at IS NULL AND (id <= %(up_to)s OR cause <= %(up_to)s);

-- name: dead_in
-- Those of the keys that are dead in an index: what the old one refuses as well is no reason to keep it.
SELECT DISTINCT key FROM outbox.event
WHERE index = %(index)s AND key = ANY (%(keys)s::text[]) AND dead_at IS NOT NULL AND done_at IS NULL;

-- name: rename
UPDATE outbox.index SET name = %(name)s WHERE id = %(index)s;

-- name: collection
UPDATE outbox.target SET collection = %(collection)s, swapped = NULL WHERE index = %(index)s AND state = 'serving';

-- name: remember_swap
-- The folder of the core that is about to be swapped in: whether it was is asked of Solr afterwards.
UPDATE outbox.target SET swapped = %(folder)s WHERE index = %(index)s AND state = 'serving';

-- name: swapped
SELECT swapped FROM outbox.target WHERE index = %(index)s AND state = 'serving';

-- name: forget_events
DELETE FROM outbox.event WHERE id = ANY (ARRAY(SELECT id FROM outbox.event WHERE index = %(index)s LIMIT 5000));

-- name: forget_claims
DELETE FROM outbox.claim WHERE number = ANY (ARRAY(SELECT number FROM outbox.claim WHERE index = %(index)s LIMIT 5000));

-- name: forget_targets
DELETE FROM outbox.target WHERE index = %(index)s;

-- name: forget_index
DELETE FROM outbox.index WHERE id = %(index)s;
