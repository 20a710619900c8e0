-- name: pinned
-- With nothing but pg_catalog in sight, pg_get_viewdef and format_type qualify every name that is not Postgres' own.
SET LOCAL search_path = pg_catalog, pg_temp

-- name: find
SELECT c.oid, c.relkind::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(name)s

-- name: views
-- The view and the views beneath it. A rule depends on its own view too, hence UNION, which ends the recursion.
WITH RECURSIVE v (oid) AS (
    SELECT %(view)s::oid
    UNION
    SELECT c.oid
    FROM v
    JOIN pg_rewrite r ON r.ev_class = v.oid
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'v'
)
SELECT c.oid, n.nspname, c.relname, pg_get_viewdef(c.oid, false), pg_get_viewdef(c.oid, true), r.ev_action::text,
    o.rolsuper OR o.rolbypassrls AS bypasses, c.relowner
FROM v
JOIN pg_class c ON c.oid = v.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_rewrite r ON r.ev_class = c.oid AND r.ev_type = '1'
JOIN pg_roles o ON o.oid = c.relowner

-- name: reads
-- What the views read: a relation (0), and each of its columns. A composite type of which an attribute is shown is a
-- relation too, but has no rows.
SELECT DISTINCT r.ev_class, d.refobjid, d.refobjsubid
FROM pg_rewrite r
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class c ON c.oid = d.refobjid AND c.relkind <> 'c'
WHERE r.ev_class = ANY (%(views)s::oid[]) AND d.refobjid <> r.ev_class

-- name: children
-- Partitions and inheriting tables, of every depth, each with the table that was asked for.
WITH RECURSIVE i (top, oid) AS (
    SELECT inhparent, inhrelid FROM pg_inherits WHERE inhparent = ANY (%(relations)s::oid[])
    UNION
    SELECT i.top, c.inhrelid FROM i JOIN pg_inherits c ON c.inhparent = i.oid
)
SELECT top, oid FROM i

-- name: relations
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relispartition, c.relrowsecurity, c.relforcerowsecurity,
    row_security_active(c.oid) AS row_security_active, c.relowner,
    pg_has_role(c.relowner, 'USAGE') AS owned
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%(relations)s::oid[])

-- name: columns
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), format_type(a.atttypid, NULL),
    a.atttypid, a.attnotnull, a.attgenerated::text,
    CASE WHEN a.attcollation NOT IN (0, 100) THEN quote_ident(n.nspname) || '.' || quote_ident(l.collname) END,
    coalesce(l.collisdeterministic, true)
FROM pg_attribute a
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE a.attrelid = ANY (%(relations)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum

-- name: generated
-- A virtual generated column is computed from these: triggers must look at them.
SELECT d.objid, d.objsubid, d.refobjsubid
FROM pg_attribute a
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = a.attrelid AND d.objsubid = a.attnum
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid > 0
WHERE a.attrelid = ANY (%(relations)s::oid[]) AND a.attgenerated = 'v'

-- name: types
-- The types of the columns and all that they are made of: bases of domains, elements of arrays, parts of composites.
WITH RECURSIVE t (oid) AS (
    SELECT unnest(%(types)s::oid[])
    UNION
    SELECT part.oid
    FROM t
    JOIN pg_type y ON y.oid = t.oid
    CROSS JOIN LATERAL (
        SELECT y.typbasetype UNION ALL SELECT CASE WHEN y.typcategory = 'A' THEN y.typelem ELSE 0 END
        UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) part (oid)
    WHERE part.oid <> 0
)
SELECT y.oid, n.nspname, y.typname, y.typtype::text, y.typbasetype,
    CASE WHEN y.typcategory = 'A' THEN y.typelem ELSE 0 END,
    format_type(y.oid, NULL)
FROM t JOIN pg_type y ON y.oid = t.oid JOIN pg_namespace n ON n.oid = y.typnamespace

-- name: keys
-- The columns that are unique by themselves.
SELECT indrelid, indkey[0]
FROM pg_index
WHERE indrelid = ANY (%(relations)s::oid[]) AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL
    AND indnkeyatts = 1

-- name: primary_keys
SELECT i.indrelid, u.attnum
FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY u (attnum, place)
WHERE i.indrelid = ANY (%(relations)s::oid[]) AND i.indisprimary
ORDER BY i.indrelid, u.place

-- name: functions
-- What the views call, also through operators; `known`: Postgres' own, or an extension's.
WITH called (oid) AS (
    SELECT unnest(%(functions)s::oid[])
    UNION
    SELECT o.oprcode::oid FROM pg_operator o WHERE o.oid = ANY (%(operators)s::oid[])
)
SELECT p.oid::regprocedure::text, p.proname, p.provolatile::text,
    p.pronamespace = 'pg_catalog'::regnamespace
    OR EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    ) AS known
FROM called JOIN pg_proc p ON p.oid = called.oid
ORDER BY 1

-- name: aggregates
SELECT DISTINCT proname::text FROM pg_proc WHERE prokind = 'a'
