-- The search document of a GeoNode 5.1 dataset: one row is one document in Solr, one column one field.
-- In a schema of its own, so that nothing of ours stands among Django's tables. Needs the schema outbox (outbox migrate).
--   * base_resourcebase also holds maps, documents, geoapps and services: what has a row in layers_dataset is a dataset.
--     resource_type would not do, it is null until the second save.
--   * title is varchar: as text it is searched by words, and title_s is there to sort by. Categories are varchar, which
--     makes them exact strings to filter and count by; '' and no category are the same.
--   * GeoNode stores keywords HTML-escaped: here they stand as they were typed. &amp; is last, so that &amp;lt; becomes
--     &lt;. A dataset may have a keyword twice.
--   * ll_bbox_polygon, not bbox_polygon, whose numbers are those of the native system. outbox.envelope gives null where
--     there is no box on the globe (none, empty, metres), turns longitudes back between -180 and 180 and cuts latitudes
--     at the poles: Solr would refuse the whole document. A point stays a box without extent.
--   * Lists are sorted: equal documents shall be equal.
CREATE SCHEMA IF NOT EXISTS search;

CREATE VIEW search.dataset_document AS
SELECT
    resource.uuid AS id,
    dataset.name,
    resource.title::text AS title,
    resource.abstract,
    nullif(category.gn_description, '')::varchar AS category,
    profile.username,
    ARRAY(
        SELECT DISTINCT
            replace(replace(replace(replace(replace(replace(keyword.name,
                '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&#x27;', ''''), '&#39;', ''''), '&amp;', '&')::varchar
        FROM public.base_taggedcontentitem AS tagged
        JOIN public.base_hierarchicalkeyword AS keyword ON keyword.id = tagged.tag_id
        WHERE tagged.content_object_id = resource.id
        ORDER BY 1
    ) AS keywords,
    ARRAY(
        SELECT region.name
        FROM public.base_resourcebase_regions AS located
        JOIN public.base_region AS region ON region.id = located.region_id
        WHERE located.resourcebase_id = resource.id
        ORDER BY region.name
    ) AS regions,
    resource.date AS modified_date,
    outbox.envelope(
        public.ST_XMin(resource.ll_bbox_polygon), public.ST_XMax(resource.ll_bbox_polygon),
        public.ST_YMin(resource.ll_bbox_polygon), public.ST_YMax(resource.ll_bbox_polygon)
    ) AS bbox
FROM public.base_resourcebase AS resource
JOIN public.layers_dataset AS dataset ON dataset.resourcebase_ptr_id = resource.id
JOIN public.people_profile AS profile ON profile.id = resource.owner_id
LEFT JOIN public.base_topiccategory AS category ON category.id = resource.category_id;
