-- name: pinned
-- Never in the way of anybody: a table under ALTER TABLE is looked at the next time. With nothing but pg_catalog in sight,
-- pg_get_viewdef qualifies every name, as it did for `apply`.
SET LOCAL lock_timeout = '20ms';
SET LOCAL statement_timeout = '2s';
SET LOCAL search_path = pg_catalog, pg_temp

-- name: view
SELECT to_regclass(%(view)s)::oid

-- name: tables
-- Those that still are there, and whether a crash of the server would empty them.
SELECT oid, relpersistence = 'u' FROM pg_class WHERE oid = ANY (%(tables)s::oid[])

-- name: descendants
-- Partitions and inheriting tables, of every depth.
WITH RECURSIVE d (oid) AS (
    SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY (%(tables)s::oid[]) AND NOT inhdetachpending
    UNION
    SELECT i.inhrelid FROM d JOIN pg_inherits AS i ON i.inhparent = d.oid AND NOT i.inhdetachpending
)
SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relispartition
FROM d JOIN pg_class AS c ON c.oid = d.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY 2

-- name: silent
-- What alters documents without writing a row: labels of the enums that the tables' columns have (also in arrays and
-- domains), and the expressions of generated columns. Each with a key that survives renaming, its name as it is now, and
-- texts; a new text alters nothing (ADD VALUE), one that is gone does (RENAME VALUE, SET EXPRESSION).
WITH types (oid) AS (
    SELECT unnest(ARRAY[t.oid, t.typelem, t.typbasetype])
    FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = ANY (%(tables)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
)
SELECT 'enum ' || e.enumtypid, 'the labels of the enum ' || format_type(e.enumtypid, NULL),
    array_agg(e.oid || ' ' || e.enumlabel ORDER BY e.oid)
FROM pg_enum AS e WHERE e.enumtypid IN (SELECT oid FROM types)
GROUP BY e.enumtypid
UNION ALL
SELECT format('column %%s.%%s', a.attrelid, a.attnum),
    format('the expression of the generated column %%I.%%I.%%I', n.nspname, c.relname, a.attname),
    ARRAY[md5(d.adbin::text)]
FROM pg_attribute AS a
JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attrelid = ANY (%(tables)s::oid[]) AND a.attgenerated <> '' AND NOT a.attisdropped
ORDER BY 1
