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
SELECT i.id, i.definition, i.applied_at, i.detached_at, i.baseline, t.id, t.collection
FROM outbox.index AS i LEFT JOIN outbox.target AS t ON t.index = i.id AND t.state = 'serving'
WHERE i.name = %(name)s;

-- name: names
SELECT name FROM outbox.index WHERE definition IS NOT NULL AND detached_at IS NULL ORDER BY name;

-- name: save
UPDATE outbox.index
SET definition = %(definition)s, baseline = %(baseline)s, applied_at = clock_timestamp(), detached_at = NULL,
    view_changed_at = NULL, notices = '{}'
WHERE id = %(index)s;

-- name: registered
-- Also an index that was never wholly applied: its triggers may stand.
SELECT id, detached_at FROM outbox.index WHERE name = %(name)s;

-- name: all_names
SELECT name FROM outbox.index ORDER BY name;

-- name: detach
UPDATE outbox.index SET detached_at = clock_timestamp(), view_changed_at = NULL, notices = '{}'
WHERE id = %(index)s AND detached_at IS NULL;

-- name: detached
SELECT name FROM outbox.index WHERE detached_at IS NOT NULL ORDER BY name;

-- name: alone
-- One apply or detach at a time in a database, from its first look to its last commit: between the two, a detach would be
-- undone by the definition that an apply saves last. Ends with the session. The number is ours alone.
SELECT pg_advisory_lock(7266402502);

-- name: noticed
SELECT baseline, notices FROM outbox.index WHERE id = %(index)s;

-- name: notice
-- Not where somebody applied meanwhile: what was seen is then of the old definition.
UPDATE outbox.index
SET notices = %(notices)s, view_changed_at = CASE WHEN %(view_changed)s THEN coalesce(view_changed_at, clock_timestamp()) END
WHERE id = %(index)s AND applied_at = %(applied_at)s AND detached_at IS NULL;

-- name: serve
INSERT INTO outbox.target (index, collection, state) VALUES (%(index)s, %(collection)s, 'serving');

-- name: status
SELECT i.name,
    CASE WHEN i.detached_at IS NOT NULL THEN 'detached' WHEN i.definition IS NULL THEN 'not applied' WHEN i.paused OR i.paused_until > clock_timestamp() THEN 'paused'
        WHEN t.retry_at IS NOT NULL THEN 'suspended' ELSE 'running' END AS state,
    waiting.live AS pending_live, waiting.bulk AS pending_bulk, waiting.oldest_s, flying.claims AS in_flight,
    waiting.dead, CASE WHEN t.retry_at IS NULL THEN 'closed' ELSE 'open' END AS breaker, t.reason, t.failing_since,
    i.view_changed_at IS NOT NULL AS view_changed, i.notices, t.collection, t.proof, t.rewound
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
