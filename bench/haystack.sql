-- name: view
-- examples/catalogue/view.sql without the box.
CREATE OR REPLACE VIEW catalogue.plain_document AS
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
    layer.date AS modified_date
FROM catalogue.layer
JOIN catalogue.person ON person.id = layer.owner_id
LEFT JOIN catalogue.category ON category.id = layer.category_id;
