-- name: most_used
-- The row that is on the most documents; filters of the view are not applied, as in expansion.
SELECT {values}, count(DISTINCT {key}) AS documents
FROM {tables}
WHERE {conditions} AND {key} IS NOT NULL
GROUP BY {values}
ORDER BY documents DESC
LIMIT 1

-- name: estimated
-- What ANALYZE has seen last: the most common value of the column, and on how many rows it is.
SELECT (s.most_common_vals::text::text[])[1], round(s.most_common_freqs[1] * c.reltuples)::bigint
FROM pg_stats s JOIN pg_class c ON c.oid = %(relation)s
WHERE s.schemaname = %(schema)s AND s.tablename = %(table)s AND s.attname = %(column)s AND c.reltuples > 0
    AND s.most_common_freqs IS NOT NULL
ORDER BY s.inherited DESC
LIMIT 1

-- name: planned
-- How many documents the view has, as the planner thinks: a view of millions is counted for minutes.
EXPLAIN (FORMAT JSON) SELECT d.id FROM {view} AS d;
