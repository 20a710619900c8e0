-- The tutorial's document, from the tables of examples/catalogue: the same fields. Empty texts are null, since the core's
-- update chain removes them; abstracts are cut, since a string of more than 32,766 bytes is refused; a box across the date
-- line is left out, since the tutorial's flat world refuses it.
CREATE VIEW catalogue.boston_document AS
SELECT
    layer.uuid AS id,
    layer.name,
    nullif(layer.title, '') AS title,
    nullif(left(layer.abstract, 8000), '') AS abstract,
    CASE
        WHEN layer.x0 <= layer.x1 AND layer.x1 <= 180 THEN outbox.envelope(layer.x0, layer.x1, layer.y0, layer.y1)
    END AS bbox,
    nullif(category.gn_description, '') AS category,
    layer.date AS modified_date,
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
    ) AS regions
FROM catalogue.layer
JOIN catalogue.person ON person.id = layer.owner_id
LEFT JOIN catalogue.category ON category.id = layer.category_id;
