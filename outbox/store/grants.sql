-- name: grants
-- What a plain role needs to run the relay and the workers. `outbox apply` adds SELECT on the view and its tables.
GRANT USAGE ON SCHEMA outbox TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA outbox TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA outbox TO {role};
