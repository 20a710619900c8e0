-- name: edit
UPDATE catalogue.layer SET title = %(title)s WHERE id = %(layer)s RETURNING uuid;

-- name: done
SELECT id, extract(epoch FROM done_at)::float8 FROM outbox.event WHERE id = ANY (%(events)s) AND done_at IS NOT NULL;
