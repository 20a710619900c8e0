-- name: repeated
-- The ids that several rows of the view have: how many there are, and the first of them.
SELECT d.id::text, count(*), count(*) OVER () AS ids
FROM {view} AS d
WHERE d.id IS NOT NULL
GROUP BY d.id
HAVING count(*) > 1
ORDER BY d.id
LIMIT 3
