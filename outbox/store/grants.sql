-- name: grants
-- What a plain role needs to run the relay and the workers. `outbox apply` adds SELECT on the view and its tables, and
-- knows the role by what stands here: it may UPDATE outbox.claim.
GRANT USAGE ON SCHEMA outbox TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA outbox TO {role};
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA outbox TO {role};

-- name: grants_apply
-- What a role needs to run `outbox apply` and `outbox detach`, beside being a member of the tables' owners: it will own the
-- functions in the schema, which write events and read outbox.relay in its name. It holds no right to UPDATE
-- outbox.claim as a whole: that is the mark of the role of relay and workers.
GRANT USAGE, CREATE ON SCHEMA outbox TO {role};
GRANT SELECT ON ALL TABLES IN SCHEMA outbox TO {role};
GRANT INSERT, UPDATE ON outbox.index, outbox.target TO {role};
GRANT INSERT ON outbox.event TO {role};
GRANT UPDATE (ended_at, outcome, error) ON outbox.claim TO {role};

-- name: granted
-- The roles that were granted before, so that a migration's new tables are granted to them too. The grants themselves are
-- the memory: they follow a renamed role, go with a dropped one, and REVOKE forgets.
SELECT r.rolname, a.privilege_type = 'CREATE'
FROM (
    SELECT relacl AS acl, relowner AS owner, 'UPDATE' AS mark FROM pg_class WHERE oid = 'outbox.claim'::regclass
    UNION ALL
    SELECT nspacl, nspowner, 'CREATE' FROM pg_namespace WHERE nspname = 'outbox'
) AS o
CROSS JOIN LATERAL aclexplode(o.acl) AS a
JOIN pg_roles AS r ON r.oid = a.grantee
WHERE a.grantee <> o.owner AND a.privilege_type = o.mark
ORDER BY 1, 2
