-- view.sql for GeoNode 4.0 to 5.0: there four columns have an English twin (*_en), which GeoNode reads first. save() writes
-- both, Dataset.objects.update(title=…) the twin alone, ResourceBase.objects.update(title=…) the plain column alone.
CREATE SCHEMA IF NOT EXISTS search;

CREATE VIEW search.dataset_document AS
SELECT
    resource.uuid AS id,
    dataset.name,
    coalesce(nullif(dataset.title_en, ''), resource.title)::text AS title,
    coalesce(nullif(dataset.abstract_en, ''), resource.abstract) AS abstract,
    coalesce(nullif(category.gn_description_en, ''), nullif(category.gn_description, ''))::varchar AS category,
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
        SELECT coalesce(nullif(region.name_en, ''), region.name)::varchar
        FROM public.base_resourcebase_regions AS located
        JOIN public.base_region AS region ON region.id = located.region_id
        WHERE located.resourcebase_id = resource.id
        ORDER BY 1
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
