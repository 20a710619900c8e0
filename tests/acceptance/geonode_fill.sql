-- name: save
-- What Django's save() writes: one UPDATE of every column but the primary key, changed or not.
CREATE FUNCTION public.save(model regclass, primary_key bigint, changed jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    pk name := CASE WHEN model = 'public.layers_dataset'::regclass THEN 'resourcebase_ptr_id' ELSE 'id' END;
    every text := (
        SELECT string_agg(format('%1$I = n.%1$I', attname), ', ') FROM pg_attribute
        WHERE attrelid = model AND attnum > 0 AND NOT attisdropped AND attname <> pk
    );
BEGIN
    EXECUTE format(
        'UPDATE %1$s AS t SET %2$s FROM (SELECT (jsonb_populate_record(b, $1)).* FROM %1$s AS b WHERE b.%3$I = $2) AS n'
        ' WHERE t.%3$I = $2', model, every, pk
    ) USING changed, primary_key;
END $$;

-- name: fill
-- 340 resources, of which those above 300 are maps. Numbers are chosen so that a person can say who has what:
--   owner 1 + id % 4; category 1 + id % 6, none for every tenth, and category 6 has no text;
--   keywords 1 + id % 30 and 1 + 7 * id % 30; regions 1 + id % 100 and 200 + id % 50.
INSERT INTO public.people_profile (id, username)
VALUES (1, 'admin'), (2, 'bert'), (3, 'carla'), (4, 'dan'), (5, 'erik');

INSERT INTO public.base_topiccategory (id, identifier, gn_description)
SELECT id, 'category' || id, CASE WHEN id < 6 THEN 'Category ' || id ELSE '' END FROM generate_series(1, 6) AS id;

INSERT INTO public.base_hierarchicalkeyword (id, name, slug, path, depth, numchild)
SELECT id, CASE id WHEN 3 THEN 'rock &amp; roll' WHEN 9 THEN '&lt;&#x27;&amp;lt;&quot;&gt;' ELSE 'keyword ' || id END,
    'keyword-' || id, lpad(id::text, 4, '0'), 1, 0
FROM generate_series(1, 30) AS id;

INSERT INTO public.base_region (id, code, name, lft, rght, tree_id, level)
SELECT id, 'R' || id, CASE WHEN id IN (201, 202) THEN 'Punjab' ELSE 'Region ' || id END, 1, 2, id, 0
FROM generate_series(1, 259) AS id;

INSERT INTO public.base_resourcebase (
    id, uuid, title, abstract, date, category_id, owner_id, ll_bbox_polygon, bbox_polygon, metadata_xml
)
SELECT id, format('00000000-0000-4000-8000-%s', lpad(id::text, 12, '0')), 'Resource ' || id,
    '<p>About ' || id || '</p>', timestamptz '2024-01-01 12:00+02' + id * interval '1 day 1 microsecond',
    CASE WHEN id % 10 > 0 THEN 1 + id % 6 END, 1 + id % 4,
    CASE id % 20
        WHEN 0 THEN NULL
        WHEN 1 THEN ST_MakeEnvelope(11.5, 48.1, 11.5, 48.1, 4326)
        WHEN 2 THEN ST_MakeEnvelope(-10, 60, 10, 95, 4326)
        WHEN 3 THEN ST_MakeEnvelope(-185, -10, -170, 10, 4326)
        WHEN 4 THEN ST_MakeEnvelope(500000, 5300000, 510000, 5310000, 4326)
        WHEN 5 THEN ST_GeomFromText('POLYGON EMPTY', 4326)
        ELSE ST_MakeEnvelope(id % 90, id % 40, id % 90 + 5, id % 40 + 5, 4326)
    END,
    ST_MakeEnvelope(500000, 5300000, 510000, 5310000, 4326), repeat(md5(id::text), 100)
FROM generate_series(1, 340) AS id;

INSERT INTO public.layers_dataset (resourcebase_ptr_id, name)
SELECT id, 'dataset_' || id FROM generate_series(1, 300) AS id;

INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id)
SELECT 2 * id, id, 1 + id % 30 FROM generate_series(1, 340) AS id
UNION ALL
SELECT 2 * id + 1, id, 1 + 7 * id % 30 FROM generate_series(1, 340) AS id;

INSERT INTO public.base_resourcebase_regions (id, resourcebase_id, region_id)
SELECT 2 * id, id, 1 + id % 100 FROM generate_series(1, 340) AS id
UNION ALL
SELECT 2 * id + 1, id, 200 + id % 50 FROM generate_series(1, 340) AS id;

-- name: boxes
-- Of each kind of box one document, by the ids of `fill`.
SELECT bbox::text FROM search.dataset_document
WHERE right(id, 6)::int IN (20, 1, 2, 3, 4, 5, 6) ORDER BY right(id, 6)::int;

-- name: lists
-- Keywords as they were typed, a repeated name of a region, no text of a category, a keyword that a dataset has twice.
SELECT right(id, 6)::int, keywords::text[], regions::text[], category FROM search.dataset_document
WHERE right(id, 6)::int IN (2, 5, 151) ORDER BY id;

-- name: owned
-- Statements that give GeoNode's tables, its function and its database to the role `owner`.
SELECT format('ALTER TABLE %%s OWNER TO %%I', oid::regclass, %(owner)s::text) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname ~ '^(base|layers|people)_'
UNION ALL SELECT format('ALTER FUNCTION public.save(regclass, bigint, jsonb) OWNER TO %%I', %(owner)s::text)
UNION ALL SELECT format('GRANT CREATE ON DATABASE %%I TO %%I', current_database(), %(owner)s::text);

-- name: translated
-- What GeoNode until 5.0 has besides: the ORM reads these first, and older ids are integers.
ALTER TABLE public.layers_dataset ADD title_en varchar(255), ADD abstract_en text;
ALTER TABLE public.base_topiccategory ADD gn_description_en text;
ALTER TABLE public.base_region ADD name_en varchar(255);
ALTER TABLE public.base_resourcebase ALTER id TYPE integer;
ALTER TABLE public.layers_dataset ALTER resourcebase_ptr_id TYPE integer;

-- name: upgrade
-- The upgrade to 5.1 alters and drops columns of the document.
DROP VIEW search.dataset_document;
ALTER TABLE public.layers_dataset DROP title_en, DROP abstract_en, ALTER resourcebase_ptr_id TYPE bigint;
ALTER TABLE public.base_topiccategory DROP gn_description_en;
ALTER TABLE public.base_region DROP name_en;
ALTER TABLE public.base_resourcebase ALTER id TYPE bigint;

-- name: known
-- The events so far, by number: each session draws its ids in blocks, so that the highest is no mark.
SELECT coalesce(array_agg(id), '{}') FROM outbox.event;

-- name: since
-- What triggers wrote that is not known yet, and every key that an event stands for by now.
SELECT count(*) FILTER (WHERE cause IS NULL AND op <> 'R'), array_agg(DISTINCT key) FILTER (WHERE key IS NOT NULL)
FROM outbox.event WHERE id <> ALL (%(known)s);

-- name: waiting
-- What is neither done nor dead.
SELECT count(*) FROM outbox.event WHERE done_at IS NULL AND dead_at IS NULL;

-- name: dead
SELECT count(*) FROM outbox.event WHERE dead_at IS NOT NULL AND done_at IS NULL;

-- name: edited
-- For each of these documents: how long its save took, first event to last, against `settle`; how many claims wrote
-- it since; and how many of those were made before the last of the links was back.
SELECT l.resource, l.last - l.first < %(settle)s::interval AS quick, count(c.number),
    count(*) FILTER (WHERE c.created_at < l.last)
FROM (
    SELECT e.route #>> '{0,0}' AS resource, min(e.created_at) AS first, max(e.created_at) AS last
    FROM outbox.event AS e
    WHERE e.id <> ALL (%(known)s) AND e.source = 'public.base_taggedcontentitem'::regclass AND e.key IS NULL GROUP BY 1
) AS l
JOIN public.base_resourcebase AS b ON b.id = l.resource::bigint
JOIN outbox.claim AS c ON b.uuid = ANY (c.keys) AND c.created_at > l.first
GROUP BY l.resource, l.first, l.last ORDER BY l.resource::bigint;

-- name: editor
-- What the metadata editor does first, edited or not: each keyword is away, then back, in transactions of its own.
DELETE FROM public.base_taggedcontentitem WHERE content_object_id = %(resource)s;
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (6000 + %(resource)s, %(resource)s, 1);
INSERT INTO public.base_taggedcontentitem (id, content_object_id, tag_id) VALUES (7000 + %(resource)s, %(resource)s, 2);
