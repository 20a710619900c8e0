-- The rows that every statement of the tables begins with. Map 5 is not published. Persons 3 (cy), category 3, region X and
-- keyword 5 are used by nothing; map 4 and sheet 102 have neither links nor children.

-- name: clear
TRUNCATE atlas.person, atlas.category, atlas.region, atlas.keyword, atlas.setting, atlas.map, atlas.map_keyword,
    atlas.review, atlas.version, atlas.acl, atlas.unread, atlas.sheet, atlas.sheet_keyword, atlas.note, atlas.field_note

-- name: unseen
-- The same, but nothing is captured and no foreign key looks, as a superuser can have it; far quicker than TRUNCATE.
SET session_replication_role = replica;
DELETE FROM atlas.person; DELETE FROM atlas.category; DELETE FROM atlas.region; DELETE FROM atlas.keyword;
DELETE FROM atlas.setting; DELETE FROM atlas.map; DELETE FROM atlas.map_keyword; DELETE FROM atlas.review;
DELETE FROM atlas.version; DELETE FROM atlas.acl; DELETE FROM atlas.unread; DELETE FROM atlas.sheet;
DELETE FROM atlas.sheet_keyword; DELETE FROM atlas.note

-- name: rows
INSERT INTO atlas.person (id, username, nick)
VALUES (1, 'ann', 'a'), (2, 'bob', 'b'), (3, 'cy', 'c'), (4, 'dan', 'd'), (5, 'eve', 'e'), (6, 'fay', 'f');
INSERT INTO atlas.category (id, label) VALUES (1, 'roads'), (2, 'rivers'), (3, 'unused');
INSERT INTO atlas.region (code, name) VALUES ('N', 'north'), ('S', 'south'), ('X', 'unused');
INSERT INTO atlas.keyword (id, word, lang)
VALUES (1, 'water', 'en'), (2, 'forest', 'en'), (3, 'rock', 'en'), (4, 'See', 'de'), (5, 'unused', 'en');
INSERT INTO atlas.setting (id, edition) VALUES (1, 'first');
INSERT INTO atlas.map (id, uid, title, owner_id, editor_id, category_id, region_code, parent_id, published)
VALUES
    (1, '00000000-0000-0000-0000-000000000001', 'One', 1, 2, 1, 'N', NULL, true),
    (2, '00000000-0000-0000-0000-000000000002', 'Two', 1, 6, 1, 'N', 1, true),
    (3, '00000000-0000-0000-0000-000000000003', 'Three', 2, 1, 2, 'S', 1, true),
    (4, '00000000-0000-0000-0000-000000000004', 'Four', 1, 4, NULL, NULL, NULL, true),
    (5, '00000000-0000-0000-0000-000000000005', 'Five', 5, NULL, NULL, NULL, NULL, false),
    (6, '00000000-0000-0000-0000-000000000006', 'Six', 4, NULL, NULL, NULL, 5, true);
UPDATE atlas.map
SET
    price = 1.0, extent = '(1,2)', meta = '{"source": "pen", "x": 1}', legend = '<a/>', paper = ROW(3, '[1]'), tags = '{a,b}',
    height = 1, rating = 0.5, scale = 1000, drawn = '2001-02-03', updated = '2001-02-03 04:05:06Z', kind = 'road'
WHERE id = 4;
INSERT INTO atlas.map_keyword (map_id, keyword_id) VALUES (1, 1), (2, 1), (3, 1), (3, 2), (4, 4);
INSERT INTO atlas.review (id, map_id, stars, accepted) VALUES (1, 1, 5, true), (2, 1, 3, true), (3, 2, 5, false);
INSERT INTO atlas.version (map_id, number, notes) VALUES (1, 1, 'first'), (1, 2, 'second'), (2, 1, 'only');
INSERT INTO atlas.acl (id, map_id, reader) VALUES (1, 1, 'ann'), (2, 2, 'ann');
INSERT INTO atlas.unread (id, map_id) VALUES (1, 1);
INSERT INTO atlas.sheet (number, title, region_code)
VALUES (1, 'Alps', 'N'), (2, 'Coast', 'S'), (101, 'Plain', 'N'), (102, 'Delta', NULL);
INSERT INTO atlas.sheet_keyword (sheet, keyword_id, role) VALUES (1, 1, 'main'), (2, 2, 'main'), (101, 3, 'side');
INSERT INTO atlas.note (id, sheet, body) VALUES (1, 1, 'rain');
INSERT INTO atlas.field_note (id, sheet, body, place) VALUES (2, 101, 'mud', 'ditch')
