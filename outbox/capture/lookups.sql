-- name: sizes
-- Bytes as they are on disk now: unlike the planner's statistics, they need no ANALYZE.
SELECT u.oid, pg_relation_size(u.oid) FROM unnest(%(relations)s::oid[]) AS u (oid)

-- name: probe
-- One row before, and the table behind a fence: the only plan is to look its rows up, by an index if one supports it.
SELECT FROM {before} CROSS JOIN LATERAL (SELECT FROM {table} AS {alias} WHERE {conditions} OFFSET 0) AS q

-- name: one_row
(SELECT * FROM {table} LIMIT 1) AS {alias}

-- name: leading
-- The first column of an index: a btree is searched also for later ones, but then read from end to end. Empty where
-- that is an expression, or where the index is of a kind whose columns have no order.
SELECT c.relname, CASE WHEN m.amname = 'btree' THEN coalesce(quote_ident(a.attname), '') ELSE '' END
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = ANY (%(relations)s::oid[])
