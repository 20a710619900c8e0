-- name: extension
CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public;

-- name: nested
-- In connections that are opened from now on. For this database alone: it costs triggers more than others.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET pg_stat_statements.track = ''all''', current_database());
END $$;

-- name: reset
SELECT public.pg_stat_statements_reset();

-- name: statements
-- Of one database since the reset, those inside of triggers too; transactions' own statements are not counted, nor those
-- that ask whether a pooled connection lives, or that make a plan to be kept, what is explained for it among them.
-- Records of the write-ahead log, and not bytes, which a checkpoint changes.
SELECT coalesce(sum(s.calls) FILTER (
        WHERE s.query !~ '^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET |DEALLOCATE|EXPLAIN|--|$)'
            AND (s.toplevel OR s.query !~ '^PREPARE')
    ), 0)::int,
    coalesce(sum(s.wal_records), 0)::int
FROM public.pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid WHERE d.datname = %(database)s;

-- name: listen
LISTEN outbox;

-- name: events
SELECT count(*) FROM outbox.event;

-- name: asleep
UPDATE outbox.relay SET asleep_until = 'infinity';

-- name: awake
UPDATE outbox.relay SET asleep_until = '-infinity';

-- name: edit
UPDATE catalogue.layer SET title = title || '.' WHERE id = %(layer)s;

-- name: untracked
UPDATE catalogue.layer SET popular_count = popular_count + 1 WHERE id = %(layer)s;

-- name: rename
-- The category that is on the most layers, but for one that is on more than the live lane takes.
UPDATE catalogue.category SET gn_description = gn_description || '.' WHERE id = (
    SELECT category_id FROM catalogue.layer GROUP BY category_id HAVING count(*) <= 500 AND category_id IS NOT NULL
    ORDER BY count(*) DESC, category_id LIMIT 1
);

-- name: published
-- Tasks: claims whose message the broker has confirmed.
SELECT count(*) FROM outbox.claim WHERE published_at IS NOT NULL;

-- name: newest
SELECT max(number) FROM outbox.claim;

-- name: keys
SELECT uuid::text FROM catalogue.layer ORDER BY id LIMIT %(most)s;
