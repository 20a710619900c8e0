-- name: waiting
-- Who of the writers waits for a lock right now, and for whom. Only for those that wait is it asked who blocks them.
-- The lock on "database 0" is that of the queue of notifications.
SELECT w.pid, CASE WHEN l.classid = 'pg_database'::regclass AND l.objid = 0 THEN 'notify' ELSE l.locktype END,
    coalesce(l.relation::regclass::text, ''), left(w.query, 200), b.pid, b.application_name,
    b.backend_type, left(b.query, 200)
FROM pg_stat_activity AS w
CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocking (pid)
JOIN pg_stat_activity AS b ON b.pid = blocking.pid
LEFT JOIN pg_locks AS l ON l.pid = w.pid AND NOT l.granted
WHERE w.application_name = %(writer)s AND w.wait_event_type = 'Lock' AND w.datname = current_database();

-- name: sessions
-- Whose pid is whose, for the server's log, which names those that hold a lock by their pid alone.
SELECT pid, application_name FROM pg_stat_activity WHERE datname = current_database();
