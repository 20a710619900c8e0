-- name: layer_document
-- The search document of a layer: one row is one document in Solr, one column one field.
-- Lists are sorted, and keywords, of which a layer may have one twice, are distinct: equal documents shall be equal.
-- varchar columns become exact strings to filter and count by, text columns become searchable text.
CREATE VIEW catalogue.layer_document AS
SELECT
    layer.uuid AS id,
    layer.name,
    layer.title,
    layer.abstract,
    category.gn_description::varchar AS category,
    person.username,
    ARRAY(
        SELECT DISTINCT keyword.name
        FROM catalogue.layer_keyword
        JOIN catalogue.keyword ON keyword.id = layer_keyword.keyword_id
        WHERE layer_keyword.layer_id = layer.id
        ORDER BY keyword.name
    ) AS keywords,
    ARRAY(
        SELECT region.name
        FROM catalogue.layer_region
        JOIN catalogue.region ON region.id = layer_region.region_id
        WHERE layer_region.layer_id = layer.id
        ORDER BY region.name
    ) AS regions,
    layer.date AS modified_date,
    outbox.envelope(layer.x0, layer.x1, layer.y0, layer.y1) AS bbox,
    outbox.envelope_status(layer.x0, layer.x1, layer.y0, layer.y1)::varchar AS bbox_status
FROM catalogue.layer
JOIN catalogue.person ON person.id = layer.owner_id
LEFT JOIN catalogue.category ON category.id = layer.category_id;
