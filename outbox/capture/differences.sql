-- name: triggers
-- Every trigger of an index; a copy is what a partition has of its parent's. `plain`: nothing in it that ours never have.
SELECT t.tgrelid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), t.tgname, t.tgenabled::text, t.tgparentid <> 0,
    t.tgtype, t.tgattr = '' AND t.tgconstraint = 0 AND t.tgnargs = 0 AND t.tgoldtable IS NULL AND t.tgnewtable IS NULL,
    CASE WHEN p.pronamespace = 'outbox'::regnamespace THEN p.proname ELSE '' END, pg_get_triggerdef(t.oid)
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgname LIKE %(pattern)s
ORDER BY 2, 3

-- name: functions
-- The functions of an index, each with the table whose rows it takes (0 for none) and the names of its settings.
SELECT p.proname, coalesce(t.typrelid, 0), pg_get_function_identity_arguments(p.oid),
    CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE '' END, coalesce(pg_get_function_sqlbody(p.oid), ''),
    p.prosecdef, coalesce(p.proconfig, '{}')
FROM pg_proc p
LEFT JOIN pg_type t ON t.oid = p.proargtypes[0]
WHERE p.pronamespace = 'outbox'::regnamespace AND (p.proname LIKE %(capture)s OR p.proname LIKE %(value)s)
ORDER BY 1, 3

-- name: columns
SELECT attrelid, attname FROM pg_attribute
WHERE attrelid = ANY (%(tables)s::oid[]) AND attnum > 0 AND NOT attisdropped

-- name: descendants
-- Each partition and inheriting table with the one above it, from the top down. Twice beneath one table is possible.
WITH RECURSIVE d (above, oid, depth) AS (
    SELECT inhparent, inhrelid, 1 FROM pg_inherits WHERE inhparent = ANY (%(tables)s::oid[]) AND NOT inhdetachpending
    UNION
    SELECT i.inhparent, i.inhrelid, d.depth + 1 FROM d JOIN pg_inherits AS i ON i.inhparent = d.oid AND NOT i.inhdetachpending
)
SELECT d.above, c.oid, n.nspname, c.relname, c.relispartition
FROM d JOIN pg_class AS c ON c.oid = d.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY d.depth, 3, 4
