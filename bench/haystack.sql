-- name: view
-- The sample's document without the box, and without what is said of it.
CREATE OR REPLACE VIEW catalogue.plain_document AS
SELECT id, name, title, abstract, category, username, keywords, regions, modified_date FROM catalogue.layer_document;
