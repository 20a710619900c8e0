-- name: grow
-- Random words of nine letters and a blank.
UPDATE catalogue.layer SET abstract = (
    SELECT string_agg(left(translate(md5(random()::text || i), '0123456789', 'ghijklmnop'), 9), ' ')
    FROM generate_series(1, %(words)s) AS i WHERE catalogue.layer.id IS NOT NULL
)
WHERE id IN (SELECT id FROM catalogue.layer ORDER BY id DESC LIMIT %(many)s);

-- name: keys
SELECT uuid::text FROM catalogue.layer ORDER BY id DESC LIMIT %(many)s;
