-- name: missing
-- What the roles of relay and workers (`migrate --grant-to`: they may UPDATE outbox.claim) lack to read the view, and for
-- the expansion of fan-outs its tables, as statements. Beneath a view with security_invoker its own views count too. The
-- types of the columns are named in casts, so their schemas count.
WITH RECURSIVE v (oid) AS (
    SELECT to_regclass(%(view)s)::oid
    UNION
    SELECT b.oid
    FROM v
    JOIN pg_class AS c ON c.oid = v.oid
        AND EXISTS (SELECT FROM unnest(c.reloptions) AS o (text) WHERE o.text ~ '^security_invoker=(true|on|yes|1)$')
    JOIN pg_rewrite AS r ON r.ev_class = v.oid
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class AS b ON b.oid = d.refobjid AND b.relkind = 'v'
), read AS (
    SELECT c.oid, c.relname, c.relnamespace
    FROM pg_class AS c WHERE c.oid IN (SELECT oid FROM v UNION ALL SELECT unnest(%(tables)s::oid[]))
), schemas AS (
    SELECT n.oid, n.nspname
    FROM pg_namespace AS n
    WHERE n.oid IN (
        SELECT relnamespace FROM read
        UNION ALL
        SELECT t.typnamespace
        FROM read JOIN pg_attribute AS a ON a.attrelid = read.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type AS t ON t.oid = a.atttypid
    )
), role AS (
    SELECT r.oid, r.rolname
    FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
    WHERE c.oid = 'outbox.claim'::regclass AND a.privilege_type = 'UPDATE' AND a.grantee <> c.relowner
)
SELECT format('GRANT SELECT ON %%I.%%I TO %%I', n.nspname, read.relname, role.rolname)
FROM read JOIN pg_namespace AS n ON n.oid = read.relnamespace CROSS JOIN role
WHERE NOT has_table_privilege(role.oid, read.oid, 'SELECT')
UNION
SELECT format('GRANT USAGE ON SCHEMA %%I TO %%I', schemas.nspname, role.rolname)
FROM schemas CROSS JOIN role
WHERE NOT has_schema_privilege(role.oid, schemas.oid, 'USAGE')
ORDER BY 1

-- name: hidden
-- Tables of which row-level security hides rows from a role of relay and workers, though not from us: fan-outs are expanded
-- over the tables themselves, and would miss documents in silence.
SELECT format('%%I.%%I', n.nspname, c.relname), r.rolname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN (
    SELECT DISTINCT a.grantee FROM pg_class AS o CROSS JOIN LATERAL aclexplode(o.relacl) AS a
    WHERE o.oid = 'outbox.claim'::regclass AND a.privilege_type = 'UPDATE' AND a.grantee <> o.relowner
) AS g
JOIN pg_roles AS r ON r.oid = g.grantee
WHERE c.oid = ANY (%(tables)s::oid[]) AND c.relrowsecurity AND NOT (r.rolsuper OR r.rolbypassrls)
    AND NOT (pg_has_role(r.oid, c.relowner, 'USAGE') AND NOT c.relforcerowsecurity)
ORDER BY 1, 2
