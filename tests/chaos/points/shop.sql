-- name: tables
-- A small shop whose documents take every way of the outbox: a link to a shelf (a fan-out), one shelf that carries more
-- documents than the live lane takes (chunks), a table that means all documents, and rows that can be made to fail.
CREATE SCHEMA shop;
CREATE TABLE shop.shelf (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE shop.house (motto text NOT NULL);
CREATE TABLE shop.item (
    id bigint PRIMARY KEY,
    edit bigint NOT NULL DEFAULT 0,
    code varchar,
    divisor integer NOT NULL DEFAULT 1,
    grade integer NOT NULL DEFAULT 1,
    shelf_id bigint NOT NULL REFERENCES shop.shelf
);
CREATE INDEX ON shop.item (shelf_id);
CREATE FUNCTION shop.checked(code varchar) RETURNS varchar STABLE LANGUAGE plpgsql
AS $$ BEGIN
    IF code = 'breaks' THEN RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'it breaks'; END IF;
    IF code = 'hangs' THEN PERFORM pg_catalog.pg_sleep(600); END IF;
    IF code = 'huge' THEN PERFORM pg_catalog.pg_sleep(1); RETURN pg_catalog.repeat('x', 50000000); END IF;
    RETURN code;
END $$;
CREATE VIEW shop.item_document AS
SELECT i.id, i.edit, i.code, 100 / i.divisor AS share, s.name AS shelf, (SELECT max(motto) FROM shop.house) AS motto
FROM shop.item AS i JOIN shop.shelf AS s ON s.id = i.shelf_id
WHERE 100 / i.grade > 0;
INSERT INTO shop.shelf SELECT n, 'shelf ' || n FROM generate_series(1, 4) AS n;
INSERT INTO shop.house VALUES ('open');
INSERT INTO shop.item (id, shelf_id) SELECT n, CASE WHEN n <= 60 THEN 1 + n % 3 ELSE 4 END FROM generate_series(1, 570) AS n;

-- name: checked
-- After `apply`, which would ask what the function reads.
CREATE OR REPLACE VIEW shop.item_document AS
SELECT i.id, i.edit, shop.checked(i.code) AS code, 100 / i.divisor AS share, s.name AS shelf,
    (SELECT max(motto) FROM shop.house) AS motto
FROM shop.item AS i JOIN shop.shelf AS s ON s.id = i.shelf_id
WHERE 100 / i.grade > 0;
CREATE VIEW shop.others AS SELECT * FROM shop.item_document WHERE id <> 53;

-- name: edit
UPDATE shop.item SET edit = edit + 1 WHERE id = %(id)s;

-- name: left
-- What still waits, is dead, or is in flight.
SELECT (SELECT count(*) FROM outbox.event WHERE done_at IS NULL AND dead_at IS NULL),
    (SELECT count(*) FROM outbox.event WHERE done_at IS NULL AND dead_at IS NOT NULL),
    (SELECT count(*) FROM outbox.claim WHERE ended_at IS NULL);

-- name: since
-- Whether edits of all these keys, made after a moment, have arrived.
SELECT count(DISTINCT key) = cardinality(%(keys)s::text[]) AND bool_and(done_at IS NOT NULL) FROM outbox.event
WHERE key = ANY (%(keys)s::text[]) AND created_at > %(moment)s;

-- name: keys
SELECT unnest(keys) FROM outbox.claim WHERE number = %(number)s;

-- name: leads_no_more
-- Instead of the two seconds that a standby waits for a sign of a leader that is dead or frozen.
UPDATE outbox.leader SET renewed_at = '-infinity' WHERE holder LIKE '%%:' || %(pid)s::text || ':%%';

-- name: lease_over
-- Instead of the minute that the lease of a claim lasts.
UPDATE outbox.claim SET leased_until = '-infinity' WHERE number = %(number)s AND ended_at IS NULL;

-- name: cut
-- Instead of the minute after which the server drops a transaction whose client is silent.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = %(backend)s AND state LIKE 'idle in transaction%%' AND datname = current_database();

-- name: ended
SELECT ended_at IS NOT NULL FROM outbox.claim WHERE number = %(number)s;

-- name: lost_claim
-- A claim that a worker began which nobody ever heard of again.
WITH new AS (
    INSERT INTO outbox.event (index, key, op) SELECT id, '50', 'U' FROM outbox.index RETURNING id, index
)
INSERT INTO outbox.claim (number, index, target, lane, keys, events, leased_until, work_lease, published_at, begun_at, worker)
SELECT nextval('outbox.claim_number'), new.index, t.id, 'live', '{50}', ARRAY[new.id], '-infinity', '60 s',
    clock_timestamp(), clock_timestamp(), 'vanished'
FROM new JOIN outbox.target AS t ON t.state = 'serving';

-- name: suspect
INSERT INTO outbox.event (index, key, op, suspect) SELECT id, '51', 'U', 1 FROM outbox.index;

-- name: dead_suspect
-- One that died, and a new event of it.
INSERT INTO outbox.event (index, key, op, suspect, dead_at)
SELECT id, '52', 'U', 6, clock_timestamp() FROM outbox.index;
INSERT INTO outbox.event (index, key, op) SELECT id, '52', 'U' FROM outbox.index;

-- name: restarted
-- As after a start of the server: the target was not compared with the ledger yet.
UPDATE outbox.target SET checked_server = '-infinity';

-- name: recheck
UPDATE outbox.target SET recheck_at = clock_timestamp(), recheck_above = 0, recheck_to = 0;

-- name: newest
SELECT max(number) FROM outbox.claim;

-- name: collection
SELECT collection FROM outbox.target WHERE state = 'serving';

-- name: move
UPDATE outbox.target SET collection = %(collection)s WHERE state = 'serving';

-- name: replay_bulk
INSERT INTO outbox.event (index, lane, key, op) SELECT x.id, 'replay', k.n::text, 'R'
FROM outbox.index AS x, generate_series(1, 60) AS k (n);

-- name: soon
UPDATE outbox.event SET available_at = clock_timestamp() WHERE done_at IS NULL AND available_at > clock_timestamp();

-- name: discard
UPDATE outbox.event SET done_at = clock_timestamp() WHERE key IS NULL AND dead_at IS NOT NULL AND done_at IS NULL
RETURNING last_error;

-- name: age
-- Two weeks pass for what was done until now.
UPDATE outbox.event SET done_at = done_at - interval '14 d', created_at = created_at - interval '14 d'
WHERE done_at IS NOT NULL;
UPDATE outbox.claim SET ended_at = ended_at - interval '14 d' WHERE ended_at IS NOT NULL;

-- name: mend
-- What a failed test left broken.
UPDATE shop.item SET code = NULL, divisor = 1, grade = 1 WHERE code IS NOT NULL OR divisor <> 1 OR grade <> 1;

-- name: replay
INSERT INTO outbox.event (index, lane, op) SELECT id, 'replay', 'R' FROM outbox.index;

-- name: recovering
UPDATE outbox.target SET batch = 8;

-- name: mended
-- Whether a Solr that lacked something was noticed, and its documents enqueued, after a moment.
SELECT (rewound ->> 'at')::timestamptz > %(moment)s FROM outbox.target WHERE state = 'serving';
