-- name: patient
-- Reading all of a large view takes as long as it takes.
SET LOCAL statement_timeout = 0;

-- name: stream
-- Every document's key and hash, in the order of Solr's ids. The document's text is that of the worker's statement
-- (outbox/capture/read.sql), and so is the hash; OFFSET 0 makes it before the sort, which then moves two short texts.
-- `texts`: with the document itself, to compare values.
SELECT h.key, h.hash, h.document
FROM (
    SELECT x.id AS key, encode(substr(sha256(convert_to(x.document, 'UTF8')), 1, 16), 'hex') AS hash,
        CASE WHEN %(texts)s THEN x.document END AS document
    FROM (
        SELECT d.id, row_to_json(d.*)::text AS document
        FROM (SELECT {columns} FROM {view} AS d WHERE d.id IS NOT NULL) AS d
        OFFSET 0
    ) AS x
    OFFSET 0
) AS h
ORDER BY h.key COLLATE "C";

-- name: some
-- The same of some keys.
SELECT x.id AS key, encode(substr(sha256(convert_to(x.document, 'UTF8')), 1, 16), 'hex') AS hash, x.document
FROM (
    SELECT d.id, row_to_json(d.*)::text AS document
    FROM (SELECT {columns} FROM {view} AS d WHERE d.id = ANY (ARRAY(SELECT k.key::{key_type} FROM unnest(%(keys)s::text[]) AS k (key)))) AS d
    OFFSET 0
) AS x;

-- name: sample
-- Keys by chance: all keys are listed, of `many` of them the documents are read.
SELECT d.id::text FROM {view} AS d WHERE d.id IS NOT NULL ORDER BY random() LIMIT %(many)s;

-- name: on_their_way
-- Those of the keys that an event or a claim will still write. A fan-out that is not expanded may mean any of them.
SELECT k.key FROM unnest(%(keys)s::text[]) AS k (key)
WHERE EXISTS (
    SELECT FROM outbox.event AS e
    WHERE e.index = %(index)s AND e.key IS NULL AND e.done_at IS NULL AND e.dead_at IS NULL
) OR k.key IN (
    SELECT e.key FROM outbox.event AS e
    WHERE e.index = %(index)s AND e.target = %(queue)s AND e.key = ANY (%(keys)s::text[])
        AND e.done_at IS NULL AND e.dead_at IS NULL
) OR k.key IN (
    SELECT unnest(c.keys) FROM outbox.claim AS c WHERE c.target = %(target)s AND c.ended_at IS NULL
);

-- name: keep
-- The last proof, for `status`.
UPDATE outbox.target SET proof = %(proof)s WHERE id = %(target)s;
