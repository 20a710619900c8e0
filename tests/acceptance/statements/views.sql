-- Three indexes, of which two stand over the same tables and all three share keywords or regions.

-- name: nested
CREATE VIEW atlas.map_word AS
SELECT link.map_id, link.place, keyword.word
FROM atlas.map_keyword AS link
JOIN atlas.keyword ON keyword.id = link.keyword_id
WHERE keyword.lang = 'en';
CREATE VIEW atlas.map_stars AS
SELECT review.map_id, count(*) AS reviews, max(review.stars) AS best
FROM atlas.review
WHERE review.accepted
GROUP BY review.map_id

-- name: maps
-- The same table twice (owner and editor), the root itself as parent, a natural key (region), nested views, a WHERE.
CREATE VIEW atlas.map_document AS
SELECT
    map.uid AS id,
    map.title,
    map.abstract,
    map.kind,
    map.scale,
    map.price::text AS price,
    map.rating,
    map.drawn::timestamp AS drawn,
    map.updated,
    map.tags,
    map.extent::text AS extent,
    map.meta ->> 'source' AS source,
    map.legend::text AS legend,
    (map.paper).width AS width,
    map.lowered,
    map.feet,
    category.label AS category,
    owner.username AS owner,
    owner.nick AS owner_nick,
    editor.username AS editor,
    editor.nick AS editor_nick,
    parent.title AS parent,
    region.name AS region,
    ARRAY(SELECT w.word FROM atlas.map_word AS w WHERE w.map_id = map.id ORDER BY w.place, w.word) AS keywords,
    stars.reviews,
    stars.best
FROM atlas.map
JOIN atlas.person AS owner ON owner.id = map.owner_id
LEFT JOIN atlas.person AS editor ON editor.id = map.editor_id
LEFT JOIN atlas.category ON category.id = map.category_id
LEFT JOIN atlas.map AS parent ON parent.id = map.parent_id
LEFT JOIN atlas.region ON region.code = map.region_code
LEFT JOIN atlas.map_stars AS stars ON stars.map_id = map.id
WHERE map.published

-- name: brief
-- EXISTS, a sub-query with DISTINCT ON, a table declared "all" (setting), a function that reads a table (acl).
CREATE FUNCTION atlas.readers(integer) RETURNS text[] STABLE LANGUAGE sql AS $$
    SELECT array_agg(acl.reader ORDER BY acl.reader) FROM atlas.acl WHERE acl.map_id = $1
$$;
CREATE VIEW atlas.brief_document AS
SELECT
    map.uid::text AS id,
    map.title,
    EXISTS (SELECT FROM atlas.review WHERE review.map_id = map.id AND review.stars = 5) AS acclaimed,
    latest.notes,
    (SELECT setting.edition FROM atlas.setting WHERE setting.id = 1) AS edition,
    atlas.readers(map.id) AS readers
FROM atlas.map
LEFT JOIN (
    SELECT DISTINCT ON (version.map_id) version.map_id, version.notes
    FROM atlas.version
    ORDER BY version.map_id, version.number DESC
) AS latest ON latest.map_id = map.id

-- name: sheets
-- Partitioned root and link, a table with a child that inherits.
CREATE VIEW atlas.sheet_document AS
SELECT
    sheet.number AS id,
    sheet.title,
    region.name AS region,
    ARRAY(
        SELECT keyword.word
        FROM atlas.sheet_keyword
        JOIN atlas.keyword ON keyword.id = sheet_keyword.keyword_id
        WHERE sheet_keyword.sheet = sheet.number AND sheet_keyword.role = 'main'
        ORDER BY keyword.word
    ) AS keywords,
    ARRAY(SELECT note.body FROM atlas.note WHERE note.sheet = sheet.number ORDER BY note.body) AS notes
FROM atlas.sheet
LEFT JOIN atlas.region ON region.code = sheet.region_code
