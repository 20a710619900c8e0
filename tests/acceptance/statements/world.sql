-- The tables of the statements: maps and what hangs on them, and sheets in partitions. The rows are in rows.sql.

-- name: types
CREATE SCHEMA atlas;
CREATE SCHEMA elsewhere;
CREATE TYPE atlas.kind AS ENUM ('road', 'river', 'rail');
CREATE TYPE atlas.paper AS (width integer, folds json)

-- name: references
CREATE TABLE atlas.person (
    id integer PRIMARY KEY,
    username varchar(40) NOT NULL UNIQUE,
    nick citext,
    email text,
    last_login timestamptz
);
CREATE TABLE atlas.category (id integer PRIMARY KEY, label text, icon text);
CREATE TABLE atlas.region (code text PRIMARY KEY, name varchar, remark text);
CREATE TABLE atlas.keyword (id integer PRIMARY KEY, word text NOT NULL, lang char(2) NOT NULL DEFAULT 'en', slug text);
CREATE TABLE atlas.setting (id integer PRIMARY KEY, edition text, colour text)

-- name: maps
-- `uid` can be swapped in one statement, since its uniqueness is looked at when that ends. `feet` is virtual where Postgres
-- has virtual columns, `legend` is xml where it was built with that.
CREATE TABLE atlas.map (
    id integer PRIMARY KEY,
    uid uuid NOT NULL UNIQUE DEFERRABLE,
    title text NOT NULL,
    abstract text,
    kind atlas.kind,
    published boolean NOT NULL DEFAULT true,
    scale integer,
    price numeric,
    rating double precision,
    drawn date,
    updated timestamptz,
    tags text[],
    extent point,
    meta json,
    legend {markup},
    paper atlas.paper,
    lowered text GENERATED ALWAYS AS (lower(title)) STORED,
    height integer,
    feet integer GENERATED ALWAYS AS (height * 3) {virtual},
    category_id integer REFERENCES atlas.category ON DELETE SET NULL,
    owner_id integer NOT NULL REFERENCES atlas.person ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
    editor_id integer REFERENCES atlas.person ON DELETE SET NULL ON UPDATE CASCADE,
    parent_id integer REFERENCES atlas.map ON DELETE SET NULL,
    region_code text REFERENCES atlas.region ON UPDATE CASCADE ON DELETE SET NULL,
    popular integer NOT NULL DEFAULT 0,
    thumbnail text,
    last_seen timestamptz,
    raw jsonb,
    shape point
);
CREATE TABLE atlas.map_keyword (
    map_id integer REFERENCES atlas.map ON DELETE CASCADE ON UPDATE CASCADE,
    keyword_id integer REFERENCES atlas.keyword ON DELETE CASCADE,
    place integer NOT NULL DEFAULT 1,
    added_by text,
    PRIMARY KEY (map_id, keyword_id)
);
CREATE TABLE atlas.review (
    id integer PRIMARY KEY,
    map_id integer NOT NULL REFERENCES atlas.map ON DELETE CASCADE ON UPDATE CASCADE,
    stars integer NOT NULL,
    accepted boolean NOT NULL DEFAULT true,
    body text
);
CREATE TABLE atlas.version (
    map_id integer REFERENCES atlas.map ON DELETE CASCADE ON UPDATE CASCADE,
    number integer,
    notes text,
    draft text,
    PRIMARY KEY (map_id, number)
);
CREATE TABLE atlas.acl (id integer PRIMARY KEY, map_id integer NOT NULL, reader text NOT NULL);
CREATE TABLE atlas.unread (id integer PRIMARY KEY, map_id integer REFERENCES atlas.map ON DELETE CASCADE, what text)

-- name: sheets
CREATE TABLE atlas.sheet (number integer PRIMARY KEY, title text, region_code text, pages integer)
    PARTITION BY RANGE (number);
CREATE TABLE atlas.sheet_low PARTITION OF atlas.sheet FOR VALUES FROM (0) TO (100);
CREATE TABLE atlas.sheet_high PARTITION OF atlas.sheet FOR VALUES FROM (100) TO (200);
CREATE TABLE atlas.sheet_keyword (
    sheet integer NOT NULL,
    keyword_id integer NOT NULL REFERENCES atlas.keyword ON DELETE CASCADE,
    role text NOT NULL,
    added_by text,
    PRIMARY KEY (sheet, keyword_id, role)
) PARTITION BY LIST (role);
CREATE TABLE atlas.sheet_keyword_main PARTITION OF atlas.sheet_keyword FOR VALUES IN ('main');
CREATE TABLE atlas.sheet_keyword_side PARTITION OF atlas.sheet_keyword FOR VALUES IN ('side');
CREATE TABLE atlas.note (id integer PRIMARY KEY, sheet integer, body text, hand text);
CREATE TABLE atlas.field_note (place text) INHERITS (atlas.note)

-- name: behaviour
-- What the application does by itself: a BEFORE trigger that sets a column, one that writes another table, a function.
CREATE FUNCTION atlas.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.abstract := 'stamped';
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE UPDATE OF thumbnail ON atlas.map FOR EACH ROW WHEN (NEW.thumbnail = 'stamp')
    EXECUTE FUNCTION atlas.stamp();
CREATE FUNCTION atlas.spread() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE atlas.category SET label = NEW.slug WHERE id = 2;
    RETURN NULL;
END $$;
CREATE TRIGGER spread AFTER UPDATE OF slug ON atlas.keyword FOR EACH ROW WHEN (NEW.slug = 'spread')
    EXECUTE FUNCTION atlas.spread();
CREATE FUNCTION atlas.keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END $$;
CREATE TRIGGER keep BEFORE UPDATE ON atlas.category FOR EACH ROW WHEN (NEW.icon = 'keep') EXECUTE FUNCTION atlas.keep();
CREATE FUNCTION atlas.retitle(ids integer[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one integer;
BEGIN
    FOREACH one IN ARRAY ids LOOP
        BEGIN
            UPDATE atlas.map SET title = 'retitled' WHERE id = one;
            PERFORM 1 / (one - 6);
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END $$

-- name: indexes
CREATE INDEX ON atlas.map (category_id);
CREATE INDEX ON atlas.map (owner_id);
CREATE INDEX ON atlas.map (editor_id);
CREATE INDEX ON atlas.map (parent_id);
CREATE INDEX ON atlas.map (region_code);
CREATE INDEX ON atlas.review (map_id);
CREATE INDEX ON atlas.map_keyword (keyword_id);
CREATE INDEX ON atlas.sheet (region_code);
CREATE INDEX ON atlas.sheet_keyword (keyword_id);
CREATE INDEX ON atlas.note (sheet);
CREATE INDEX ON atlas.acl (map_id)
