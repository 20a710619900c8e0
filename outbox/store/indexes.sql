-- name: schema_version
-- NULL where the schema was never migrated.
SELECT to_regclass('outbox.alembic_version') IS NOT NULL;

-- name: migrated_to
SELECT version_num FROM outbox.alembic_version;

-- name: identity
-- Whose documents these are: the cluster's identifier, drawn at initdb, and the database's. A physical copy has the same.
SELECT format('postgres %%s/%%s', system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()))
FROM pg_control_system();

-- name: register
-- Before the triggers, which carry the index's number. Without a definition nothing is claimed for it.
INSERT INTO outbox.index (name) VALUES (%(name)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id;

-- name: find
SELECT i.id, i.definition, i.applied_at, t.id, t.collection
FROM outbox.index AS i LEFT JOIN outbox.target AS t ON t.index = i.id AND t.state = 'serving'
WHERE i.name = %(name)s;

-- name: names
SELECT name FROM outbox.index WHERE definition IS NOT NULL ORDER BY name;

-- name: save
UPDATE outbox.index SET definition = %(definition)s, applied_at = clock_timestamp(), view_changed_at = NULL
WHERE id = %(index)s;

-- name: serve
INSERT INTO outbox.target (index, collection, state) VALUES (%(index)s, %(collection)s, 'serving');

-- name: status
SELECT i.name,
    CASE WHEN i.definition IS NULL THEN 'not applied' WHEN i.paused THEN 'paused'
        WHEN t.retry_at IS NOT NULL THEN 'suspended' ELSE 'running' END AS state,
    waiting.live AS pending_live, waiting.bulk AS pending_bulk, waiting.oldest_s, flying.claims AS in_flight,
    waiting.dead, CASE WHEN t.retry_at IS NULL THEN 'closed' ELSE 'open' END AS breaker, t.reason, t.failing_since,
    i.view_changed_at IS NOT NULL AS view_changed, t.collection
FROM outbox.index AS i
LEFT JOIN outbox.target AS t ON t.index = i.id AND t.state = 'serving'
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE e.dead_at IS NULL AND e.lane = 'live') AS live,
        count(*) FILTER (WHERE e.dead_at IS NULL AND e.lane <> 'live') AS bulk,
        count(*) FILTER (WHERE e.dead_at IS NOT NULL) AS dead,
        extract(epoch FROM clock_timestamp() - min(e.created_at) FILTER (WHERE e.dead_at IS NULL))::float8 AS oldest_s
    FROM outbox.event AS e WHERE e.index = i.id AND e.done_at IS NULL
) AS waiting
CROSS JOIN LATERAL (
    SELECT count(*) AS claims FROM outbox.claim AS c WHERE c.target = t.id AND c.ended_at IS NULL
) AS flying
ORDER BY i.name;

-- name: relay
SELECT CASE WHEN l.renewed_at > clock_timestamp() - interval '2 s' THEN l.holder END, r.asleep_until > clock_timestamp()
FROM outbox.leader AS l, outbox.relay AS r;
