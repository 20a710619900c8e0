-- name: value_function
-- Takes values out of a row. The body is stored by attribute number, so it survives the renaming of column and table,
-- where OLD.column in PL/pgSQL would make every write of the application fail.
CREATE OR REPLACE FUNCTION {name}({relation}) RETURNS text[] LANGUAGE sql
BEGIN ATOMIC
    SELECT ARRAY[{values}];
END

-- name: capture_function
-- Append only, no dynamic SQL, no EXCEPTION block; the event is written first, then the relay's flag is read: the proof
-- of the sleep protocol wants that order. The test is inlined: in a function of its own it costs twice as much. A
-- transaction that NOTIFYs cannot be prepared, so where that is allowed nobody is woken.
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp{settings} AS $capture$
BEGIN
    CASE TG_OP
    WHEN 'INSERT' THEN
        {insert}
    WHEN 'DELETE' THEN
        {delete}
    WHEN 'UPDATE' THEN
        {update}
    ELSE
        INSERT INTO outbox.event (index, source, op{later}) VALUES ({index}, TG_RELID, 'T'{at});
    END CASE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF (CASE WHEN current_setting('transaction_isolation') LIKE 'read %'
        THEN (SELECT asleep_until > clock_timestamp() FROM outbox.relay WHERE one) ELSE true END) IS NOT FALSE
    THEN
        IF current_setting('max_prepared_transactions') = '0' THEN
            PERFORM pg_notify('outbox', '');
        END IF;
    END IF;
    RETURN NULL;
END $capture$

-- name: event
INSERT INTO outbox.event (index, key, way, route, source, op{later})
        SELECT {index}, e.key, e.way, e.route, TG_RELID, left(TG_OP, 1)::"char"{at}
        FROM (
            {rows}
        ) AS e (key, way, route);

-- name: key
-- The document's key is in the row itself.
SELECT x.v[1], {way}::smallint, NULL::jsonb FROM (VALUES ({value}({row}))) AS x (v) WHERE x.v[1] IS NOT NULL

-- name: key_both
-- A changed key makes two events.
SELECT DISTINCT x.v[1], {way}::smallint, NULL::jsonb FROM (VALUES ({value}(OLD)), ({value}(NEW))) AS x (v) WHERE x.v[1] IS NOT NULL

-- name: route
SELECT NULL::text, {way}::smallint, jsonb_build_array(x.v) FROM (VALUES ({value}({row}))) AS x (v) WHERE {required}

-- name: route_both
SELECT NULL::text, {way}::smallint, jsonb_agg(x.v)
            FROM (SELECT {value}(OLD) UNION SELECT {value}(NEW)) AS x (v) WHERE {required} HAVING count(*) > 0

-- name: route_declared
SELECT NULL::text, {way}::smallint, jsonb_build_array({old}, {new})

-- name: everything
SELECT NULL::text, NULL::smallint, NULL::jsonb

-- name: row_trigger
CREATE TRIGGER {name} AFTER INSERT OR DELETE ON {relation} FOR EACH ROW EXECUTE FUNCTION {function}()

-- name: update_trigger
-- Not UPDATE OF: that tests what the statement lists, not what changes, and misses what a BEFORE trigger sets.
CREATE TRIGGER {name} AFTER UPDATE ON {relation} FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION {function}()

-- name: truncate_trigger
CREATE TRIGGER {name} AFTER TRUNCATE ON {relation} FOR EACH STATEMENT EXECUTE FUNCTION {function}()

-- name: always
ALTER TABLE {relation} ENABLE ALWAYS TRIGGER {name}
