-- name: moment
-- What Solr takes as a date: UTC, milliseconds, ISO years (1 BC is 0000) with a sign beyond four digits.
CASE WHEN isfinite({value}) THEN CASE
    WHEN {utc} < '0001-01-01' THEN CASE WHEN extract(year FROM {utc}) < -1 THEN '-' ELSE '' END
        || to_char(abs(extract(year FROM {utc}) + 1), 'FM0000') || to_char({utc}, '-MM-DD"T"HH24:MI:SS.MS"Z"')
    ELSE CASE WHEN {utc} < '10000-01-01' THEN '' ELSE '+' END || to_char({utc}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
END END

-- name: number
-- NaN is greater than Infinity, so this leaves out both, and minus Infinity. -0 equals 0, so that no trigger sees the
-- change of one into the other: it is shown as 0.
CASE WHEN {value} = 0 THEN 0 WHEN abs({value}) < 'Infinity' THEN {value} END

-- name: elements
-- Element by element, in order; null stays null.
CASE WHEN {value} IS NOT NULL THEN
    ARRAY(SELECT {element} FROM unnest({value}) WITH ORDINALITY AS u (v, place) ORDER BY u.place)
END
