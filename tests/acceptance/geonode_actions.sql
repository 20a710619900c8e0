-- What GeoNode writes when somebody does one thing. Each statement is a transaction of its own, but between BEGIN and
-- COMMIT. {"last_updated"} and the like are what save() changes by itself.

-- name: save_unedited
-- d.save() of a form that nobody edited.
SELECT public.save('public.base_resourcebase', 11, '{"last_updated": "2025-01-01 00:00+00"}');
UPDATE public.base_resourcebase SET csw_wkt_geometry = 'POLYGON((0 0,1 0,1 1,0 0))' WHERE id = 11;
UPDATE public.base_resourcebase SET metadata_xml = '<xml/>', csw_anytext = 'any' WHERE id = 11;
SELECT public.save('public.layers_dataset', 11, '{}');

-- name: save_of_a_new_title
SELECT public.save('public.base_resourcebase', 12, '{"title": "Twelve", "last_updated": "2025-01-01 00:00+00"}');
UPDATE public.base_resourcebase SET csw_wkt_geometry = 'POLYGON((0 0,1 0,1 1,0 0))' WHERE id = 12;
UPDATE public.base_resourcebase SET metadata_xml = '<xml/>', csw_anytext = 'any' WHERE id = 12;
SELECT public.save('public.layers_dataset', 12, '{}');

-- name: metadata_editor
-- All tags go, then come back one by one; four saves, of which the first has the new abstract.
DELETE FROM public.base_taggedcontentitem WHERE content_object_id = 13;
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (5001, 13, 14);
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (5002, 13, 2);
SELECT public.save('public.base_resourcebase', 13, '{"abstract": "Thirteen", "last_updated": "2025-01-01 00:00+00"}');
UPDATE public.base_resourcebase SET csw_wkt_geometry = 'POLYGON((0 0,1 0,1 1,0 0))' WHERE id = 13;
UPDATE public.base_resourcebase SET metadata_xml = '<xml/>', csw_anytext = 'any' WHERE id = 13;
SELECT public.save('public.base_resourcebase', 13, '{"last_updated": "2025-01-01 00:01+00"}');
SELECT public.save('public.layers_dataset', 13, '{}');

-- name: patch_of_the_abstract
SELECT public.save('public.base_resourcebase', 15, '{"abstract": "Fifteen"}');
UPDATE public.base_resourcebase SET csw_wkt_geometry = 'POLYGON((0 0,1 0,1 1,0 0))' WHERE id = 15;
UPDATE public.base_resourcebase SET metadata_xml = '<xml/>', csw_anytext = 'any' WHERE id = 15;
SELECT public.save('public.base_resourcebase', 15, '{"last_updated": "2025-01-01 00:01+00"}');

-- name: patch_of_the_title
-- Through /api/v2: 25 UPDATEs of the row, 20 transactions.
UPDATE public.base_resourcebase SET state = 'RUNNING' WHERE id = 16;
UPDATE public.base_resourcebase SET dirty_state = true WHERE id = 16;
SELECT public.save('public.base_resourcebase', 16, '{"title": "Sixteen", "last_updated": "2025-01-01 00:00+00"}');
UPDATE public.base_resourcebase SET csw_wkt_geometry = 'POLYGON((0 0,1 0,1 1,0 0))' WHERE id = 16;
UPDATE public.base_resourcebase SET metadata_xml = '<xml/>', csw_anytext = 'any' WHERE id = 16;
UPDATE public.base_resourcebase SET dirty_state = false WHERE id = 16;
UPDATE public.base_resourcebase SET state = 'READY' WHERE id = 16;
BEGIN;
UPDATE public.base_resourcebase SET state = 'RUNNING' WHERE id = 16;
UPDATE public.base_resourcebase SET dirty_state = true WHERE id = 16;
UPDATE public.base_resourcebase SET is_published = true, was_published = true WHERE id = 16;
UPDATE public.base_resourcebase SET is_approved = true, was_approved = true WHERE id = 16;
UPDATE public.base_resourcebase SET advertised = true WHERE id = 16;
UPDATE public.base_resourcebase SET dirty_state = false WHERE id = 16;
COMMIT;
UPDATE public.base_resourcebase SET thumbnail_url = 'thumb.png', thumbnail_path = 'thumb.png' WHERE id = 16;
UPDATE public.base_resourcebase SET resource_type = 'dataset' WHERE id = 16;
SELECT public.save('public.base_resourcebase', 16, '{"last_updated": "2025-01-01 00:01+00"}');
UPDATE public.base_resourcebase SET csw_wkt_geometry = 'POLYGON((0 0,1 0,1 1,0 0))' WHERE id = 16;
UPDATE public.base_resourcebase SET metadata_xml = '<xml>2</xml>', csw_anytext = 'any 2' WHERE id = 16;
UPDATE public.base_resourcebase SET csw_insert_date = now() WHERE id = 16;
UPDATE public.base_resourcebase SET group_id = 1, license_id = 1 WHERE id = 16;
UPDATE public.base_resourcebase SET blob = '{"a": 1}' WHERE id = 16;
UPDATE public.base_resourcebase SET dirty_state = true WHERE id = 16;
UPDATE public.base_resourcebase SET state = 'RUNNING' WHERE id = 16;
UPDATE public.base_resourcebase SET dirty_state = false WHERE id = 16;
UPDATE public.base_resourcebase SET state = 'READY' WHERE id = 16;

-- name: upload
-- The row of the child in the parent's transaction, all else after it.
BEGIN;
INSERT INTO public.base_resourcebase (id, uuid, title, abstract, date, owner_id)
VALUES (1001, '00000000-0000-4000-8000-000000001001', 'Uploaded', '', '2025-01-01 00:00+00', 1);
INSERT INTO public.layers_dataset (resourcebase_ptr_id, name) VALUES (1001, 'uploaded');
COMMIT;
UPDATE public.base_resourcebase SET state = 'RUNNING' WHERE id = 1001;
UPDATE public.base_resourcebase SET resource_type = 'dataset', subtype = 'vector' WHERE id = 1001;
UPDATE public.base_resourcebase SET bbox_polygon = ST_MakeEnvelope(0, 0, 9, 9, 4326), srid = 'EPSG:4326' WHERE id = 1001;
UPDATE public.base_resourcebase SET ll_bbox_polygon = ST_MakeEnvelope(0, 0, 9, 9, 4326) WHERE id = 1001;
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (5003, 1001, 8);
INSERT INTO public.base_resourcebase_regions (id, resourcebase_id, region_id) VALUES (5001, 1001, 9);
UPDATE public.base_resourcebase SET thumbnail_url = 'thumb.png', thumbnail_path = 'thumb.png' WHERE id = 1001;
UPDATE public.base_resourcebase SET state = 'READY' WHERE id = 1001;

-- name: owner_transfer
BEGIN;
SELECT public.save('public.base_resourcebase', 18, '{"owner_id": 5}');
UPDATE public.base_resourcebase SET csw_wkt_geometry = 'POLYGON((0 0,1 0,1 1,0 0))' WHERE id = 18;
UPDATE public.base_resourcebase SET metadata_xml = '<xml/>', csw_anytext = 'any' WHERE id = 18;
COMMIT;
UPDATE public.base_resourcebase SET dirty_state = true WHERE id = 18;
UPDATE public.base_resourcebase SET state = 'RUNNING' WHERE id = 18;
BEGIN;
UPDATE public.base_resourcebase SET dirty_state = false WHERE id = 18;
UPDATE public.base_resourcebase SET state = 'READY' WHERE id = 18;
COMMIT;

-- name: permissions
UPDATE public.base_resourcebase SET dirty_state = true WHERE id = 19;
UPDATE public.base_resourcebase SET is_published = false, was_published = true WHERE id = 19;
BEGIN;
UPDATE public.base_resourcebase SET is_published = true WHERE id = 19;
UPDATE public.base_resourcebase SET dirty_state = false WHERE id = 19;
COMMIT;

-- name: keyword_added
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (5004, 20, 5);

-- name: keyword_added_twice
-- Nothing forbids it: dataset 28 has keyword 29 already.
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (5005, 28, 29);

-- name: new_keyword_added
-- It sorts first: the paths of all others move.
UPDATE public.base_hierarchicalkeyword SET path = 'x' || path;
UPDATE public.base_hierarchicalkeyword SET path = lpad((id + 1)::text, 4, '0'), numchild = 0;
INSERT INTO public.base_hierarchicalkeyword (id, name, slug, path, depth, numchild)
VALUES (31, 'a &amp; b', 'a-b', '0001', 1, 0);
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (5006, 21, 31);

-- name: keywords_set
DELETE FROM public.base_taggedcontentitem WHERE content_object_id = 22 AND tag_id IN (23);
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (5007, 22, 6);

-- name: regions_set
BEGIN;
DELETE FROM public.base_resourcebase_regions WHERE resourcebase_id = 23;
INSERT INTO public.base_resourcebase_regions (id, resourcebase_id, region_id) VALUES (5002, 23, 150), (5003, 23, 151);
COMMIT;

-- name: keyword_renamed
UPDATE public.base_hierarchicalkeyword SET name = 'renamed', slug = 'renamed' WHERE id = 4;
UPDATE public.base_hierarchicalkeyword SET path = 'y' WHERE id = 4;

-- name: category_renamed
UPDATE public.base_topiccategory SET gn_description = 'Third', description = 'third' WHERE id = 3;

-- name: category_described
UPDATE public.base_topiccategory SET fa_class = 'fa-map', description = 'other', identifier = 'other' WHERE id = 2;

-- name: user_renamed
UPDATE public.people_profile SET username = 'berta' WHERE id = 2;

-- name: profile_edited
SELECT public.save('public.people_profile', 3, '{"profile": "likes maps", "city": "Graz", "first_name": "C"}');

-- name: login
UPDATE public.people_profile SET last_login = now() WHERE id = 1;

-- name: region_renamed
UPDATE public.base_region SET lft = lft + 2, rght = rght + 2, tree_id = tree_id + 1;
UPDATE public.base_region SET name = 'Renamed' WHERE id = 8;

-- name: region_added
UPDATE public.base_region SET lft = lft + 2, rght = rght + 2, tree_id = tree_id + 1;
INSERT INTO public.base_region (id, code, name, lft, rght, tree_id, level) VALUES (260, 'R260', 'New', 1, 2, 1, 0);

-- name: bulk_update
-- Dataset.objects.filter(…).update(title=…).
UPDATE public.base_resourcebase SET title = 'Bulk ' || id WHERE id BETWEEN 31 AND 40;

-- name: bulk_update_of_both_tables
UPDATE public.layers_dataset SET name = 'bulk_' || resourcebase_ptr_id WHERE resourcebase_ptr_id BETWEEN 41 AND 45;
UPDATE public.base_resourcebase SET title = 'Bulk ' || id WHERE id BETWEEN 41 AND 45;

-- name: links_in_bulk
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id)
SELECT 5100 + id, id, 7 FROM generate_series(50, 59) AS id;

-- name: box_set
UPDATE public.base_resourcebase SET bbox_polygon = ST_MakeEnvelope(1, 2, 3, 4, 4326) WHERE id = 24;
UPDATE public.base_resourcebase SET ll_bbox_polygon = ST_MakeEnvelope(1, 2, 3, 4, 4326) WHERE id = 24;

-- name: box_saved_again
-- The same box once more.
UPDATE public.base_resourcebase SET ll_bbox_polygon = ST_MakeEnvelope(1, 2, 3, 4, 4326) WHERE id = 24;

-- name: embedded
UPDATE public.base_resourcebase SET popular_count = popular_count + 1 WHERE id BETWEEN 1 AND 300;

-- name: map_saved
-- No dataset: it is no document, and becomes none.
UPDATE public.base_resourcebase SET title = 'Map' WHERE id = 301;

-- name: user_deleted
-- Profile.delete(): what was his goes to the administrator first, and commits.
UPDATE public.base_resourcebase SET owner_id = 1 WHERE owner_id = 5;
DELETE FROM public.people_profile WHERE id = 5;

-- name: keyword_deleted
-- The links first, then the keyword, in one transaction.
BEGIN;
DELETE FROM public.base_taggedcontentitem WHERE tag_id = 30;
DELETE FROM public.base_hierarchicalkeyword WHERE id = 30;
COMMIT;

-- name: deleted
-- d.delete(): the parent's row is the last.
UPDATE public.base_resourcebase SET state = 'RUNNING' WHERE id = 25;
UPDATE public.base_resourcebase SET state = 'INVALID' WHERE id = 25;
BEGIN;
DELETE FROM public.layers_dataset WHERE resourcebase_ptr_id = 25;
DELETE FROM public.base_taggedcontentitem WHERE content_object_id = 25;
DELETE FROM public.base_resourcebase_regions WHERE resourcebase_id = 25;
DELETE FROM public.base_resourcebase WHERE id = 25;
COMMIT;

-- name: deleted_by_queryset
BEGIN;
DELETE FROM public.base_taggedcontentitem WHERE content_object_id = 26;
DELETE FROM public.base_resourcebase_regions WHERE resourcebase_id = 26;
DELETE FROM public.layers_dataset WHERE resourcebase_ptr_id = 26;
DELETE FROM public.base_resourcebase WHERE id = 26;
COMMIT;

-- name: uuid_changed
-- regenerate_xml and others give a dataset a new one.
UPDATE public.base_resourcebase SET uuid = '00000000-0000-4000-8000-000000002027' WHERE id = 27;

-- name: rolled_back
BEGIN;
UPDATE public.base_resourcebase SET title = 'never' WHERE id = 29;
ROLLBACK;
