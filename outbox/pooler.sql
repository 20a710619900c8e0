-- name: mark
-- Among our start-up options stands one that nothing else sets: where it is missing, none of them arrived.
SELECT current_setting('outbox.session', true) IS NULL;

-- name: differing
-- set_config gives a value as the server writes it (60s is 1min); it lasts no longer than this statement.
SELECT name, value
FROM (
    SELECT name, value, current_setting(name) AS now, set_config(name, value, true) AS wanted
    FROM unnest(%(names)s::text[], %(values)s::text[]) AS s (name, value)
) AS compared
WHERE now <> wanted;

-- name: role
SELECT current_user, current_database();

-- name: set
ALTER ROLE {role} IN DATABASE {database} SET {name} = {value};
