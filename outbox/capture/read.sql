-- name: read
-- The claim's keys and their documents in one snapshot, and nothing unless the claim is in flight on this very server.
-- OFFSET 0: the document's text is made once, for itself and for its hash. x.*, not x: a column may be called x. A document
-- of more than 64 MB is not sent: its hash alone says that there is one.
WITH k AS MATERIALIZED (
    SELECT DISTINCT u.key
    FROM outbox.claim AS c, unnest(c.keys) AS u (key)
    WHERE c.number = %(number)s AND c.ended_at IS NULL AND c.server = pg_postmaster_start_time()
        AND NOT pg_is_in_recovery() AND (%(only)s::text[] IS NULL OR u.key = ANY (%(only)s::text[]))
)
SELECT k.key, CASE WHEN octet_length(d.document) <= 67108864 THEN d.document END AS document,
    encode(substr(sha256(convert_to(d.document, 'UTF8')), 1, 16), 'hex') AS hash
FROM k
LEFT JOIN (
    SELECT x.id, row_to_json(x.*)::text AS document
    FROM (SELECT {columns} FROM {view} AS d WHERE d.id = ANY (ARRAY(SELECT k.key::{key_type} FROM k))) AS x
    OFFSET 0
) AS d ON d.id = k.key

-- name: enumerate
SELECT d.id::text AS key
FROM {view} AS d
WHERE d.id IS NOT NULL AND (%(after)s::text IS NULL OR d.id > %(after)s::text::{key_type})
ORDER BY d.id
LIMIT %(most)s
