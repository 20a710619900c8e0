-- The helper for boxes in a document view. What stands in a database as a box is often none: missing, swapped, in metres,
-- from 0 to 360. Solr refuses the whole document for it, so these functions never raise and give only what Solr accepts.
-- Each is one expression without sub-queries, which Postgres inlines into the view.

-- A box for Solr: ENVELOPE(minX, maxX, maxY, minY), degrees, minX > maxX over the dateline. `apply` knows it by its name.
CREATE DOMAIN outbox.envelope AS text;

-- The box of west x0, east x1, south y0, north y1 (degrees); null where it cannot be one on the globe.
--   * abs(NaN) and abs(Infinity) are above 360, and so are metres: no box.
--   * x from 180 to 360 (either sign) is turned back: v - 360 * round(v / 360), which leaves -180..180 as it is.
--   * x0 > x1 by up to 180 is swapped; by more, the box goes over the dateline (177, -178) or over Greenwich (350, 10).
--   * 360 wide or more is the whole round.
--   * latitudes are swapped and cut at the poles.
-- numeric prints no exponents and no minus zero; nine decimals are a tenth of a millimetre.
CREATE FUNCTION outbox.envelope(x0 double precision, x1 double precision, y0 double precision, y1 double precision)
RETURNS outbox.envelope
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN abs(x0) <= 360 AND abs(x1) <= 360 AND abs(y0) <= 360 AND abs(y1) <= 360 THEN
        'ENVELOPE('
        || trim_scale(round(CASE
            WHEN abs(x1 - x0) >= 360 THEN -180
            WHEN x0 > x1 AND x0 - x1 <= 180 THEN x1 - 360 * round(x1 / 360)
            ELSE x0 - 360 * round(x0 / 360)
        END::numeric, 9))::text || ', '
        || trim_scale(round(CASE
            WHEN abs(x1 - x0) >= 360 THEN 180
            WHEN x0 > x1 AND x0 - x1 <= 180 THEN x0 - 360 * round(x0 / 360)
            ELSE x1 - 360 * round(x1 / 360)
        END::numeric, 9))::text || ', '
        || trim_scale(round(least(greatest(y0, y1, -90), 90)::numeric, 9))::text || ', '
        || trim_scale(round(greatest(least(y0, y1, 90), -90)::numeric, 9))::text || ')'
END;

-- What outbox.envelope made of the same four numbers: 'ok', 'mended' (swapped or cut), or why there is no box:
-- 'missing' (a null), 'invalid' (NaN or infinite), 'projected' (beyond 360: metres, not degrees).
CREATE FUNCTION outbox.envelope_status(x0 double precision, x1 double precision, y0 double precision, y1 double precision)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN num_nulls(x0, x1, y0, y1) > 0 THEN 'missing'
    WHEN greatest(abs(x0), abs(x1), abs(y0), abs(y1)) >= 'Infinity' THEN 'invalid'
    WHEN greatest(abs(x0), abs(x1), abs(y0), abs(y1)) > 360 THEN 'projected'
    WHEN x0 > x1 AND NOT (x0 - x1 > 180 AND x0 - x1 < 360) OR y0 > y1
        OR greatest(abs(y0), abs(y1)) > 90 THEN 'mended'
    ELSE 'ok'
END;
