-- name: value_function
-- Takes values out of a row. The body is stored by attribute number, so it survives the renaming of column and table,
-- where OLD.column in PL/pgSQL would make every write of the application fail.
CREATE OR REPLACE FUNCTION {name}({relation}) RETURNS text[] LANGUAGE sql
BEGIN ATOMIC
    SELECT ARRAY[{values}];
END

-- name: capture_function
-- Append only, no dynamic SQL, no EXCEPTION block. One INSERT for each event, which also reads the relay's flag: as a query
-- of its own that cost a third of the whole. The proof of the sleep protocol wants the flag read after the transaction has
-- its number; it has, since the user's own row was written before this trigger, and a read committed statement sees the
-- flag as it is now. In other isolation levels, and without a row of the relay, it wakes. A transaction that NOTIFYs cannot
-- be prepared, so where that is allowed nobody is woken. The SET costs too little to be measured.
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp{settings} AS $capture$
DECLARE
    v text[];
    w text[];
    asleep boolean;
BEGIN
    CASE TG_OP
    WHEN 'INSERT' THEN
        {insert}
    WHEN 'DELETE' THEN
        {delete}
    WHEN 'UPDATE' THEN
        {update}
    ELSE
        {truncate}
    END CASE;
    IF asleep IS NULL THEN
        RETURN NULL;
    END IF;
    IF asleep OR current_setting('transaction_isolation') NOT LIKE 'read %' THEN
        IF current_setting('max_prepared_transactions') = '0' THEN
            PERFORM pg_notify('outbox', '');
        END IF;
    END IF;
    RETURN NULL;
END $capture$

-- name: event
INSERT INTO outbox.event (index, key, way, route, source, op{later})
        VALUES ({index}, {key}, {way}, {route}, TG_RELID, {op}{at})
        RETURNING coalesce((SELECT asleep_until > clock_timestamp() FROM outbox.relay WHERE one), true) INTO asleep;

-- name: key
-- The document's key is in the row itself.
v := {value}({row});
        IF v[1] IS NOT NULL THEN
        {event_v}
        END IF;

-- name: key_both
-- A changed key makes two events.
v := {value}(NEW);
        w := {value}(OLD);
        IF v[1] IS NOT NULL THEN
        {event_v}
        END IF;
        IF w[1] IS NOT NULL AND w[1] IS DISTINCT FROM v[1] THEN
        {event_w}
        END IF;

-- name: route
v := {value}({row});
        IF {required_v} THEN
        {event}
        END IF;

-- name: route_one
jsonb_build_array(v)

-- name: route_both
-- One event for the old and the new values.
v := {value}(NEW);
        w := {value}(OLD);
        IF {required_v} OR {required_w} THEN
        {event}
        END IF;

-- name: route_two
CASE WHEN NOT ({required_w}) OR v = w THEN jsonb_build_array(v)
            WHEN NOT ({required_v}) THEN jsonb_build_array(w) ELSE jsonb_build_array(w, v) END

-- name: route_declared
jsonb_build_array({old}, {new})

-- name: row_trigger
CREATE TRIGGER {name} AFTER INSERT OR DELETE ON {relation} FOR EACH ROW EXECUTE FUNCTION {function}()

-- name: update_trigger
-- Not UPDATE OF: that tests what the statement lists, not what changes, and misses what a BEFORE trigger sets.
CREATE TRIGGER {name} AFTER UPDATE ON {relation} FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION {function}()

-- name: truncate_trigger
CREATE TRIGGER {name} AFTER TRUNCATE ON {relation} FOR EACH STATEMENT EXECUTE FUNCTION {function}()

-- name: always
ALTER TABLE {relation} ENABLE ALWAYS TRIGGER {name}
