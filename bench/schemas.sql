-- name: number
SELECT nextval('outbox.claim_number');

-- name: documents
-- With the fields that both schemas have, as the tutorial names them.
SELECT jsonb_strip_nulls(jsonb_build_object(
    'id', d.id, 'name', d.name, 'title', left(d.title, 8000), 'abstract', left(d.abstract, 8000), 'category', d.category,
    'username', d.username, 'keywords', d.keywords, 'regions', d.regions, 'bbox', d.bbox,
    'modified_date', to_char(d.modified_date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
))
FROM catalogue.layer_document AS d JOIN catalogue.layer AS l ON l.uuid = d.id
WHERE isfinite(d.modified_date) AND l.x0 <= l.x1 AND l.x1 <= 180 AND d.bbox IS NOT NULL;
