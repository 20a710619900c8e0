-- The schema of the outbox.
-- safe while old relays run: yes (there are none before it)

-- Readable as they stand, four bytes each, and ordered: live before the two lanes of the bulk queue.
CREATE TYPE outbox.lane AS ENUM ('live', 'fanout', 'replay');

-- One row for each index that was applied. Relay and workers read the definition here and nowhere else. Its row lock
-- (FOR NO KEY UPDATE, the first statement of each claim) is what makes two relays at once slow, never wrong.
CREATE TABLE outbox.index (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    paused boolean NOT NULL DEFAULT false,
    applied_at timestamptz,
    view_changed_at timestamptz,
    name text NOT NULL UNIQUE,
    definition jsonb
);
COMMENT ON TABLE outbox.index IS 'the applied document views, each with the SQL composed from it';

-- One row for each collection that an index is written to. retry_at, while it is set, is the open breaker.
CREATE TABLE outbox.target (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    index smallint NOT NULL REFERENCES outbox.index (id),
    batch integer,
    retry_at timestamptz,
    failing_since timestamptz,
    collection text NOT NULL,
    state text NOT NULL CHECK (state IN ('serving', 'building', 'standby', 'dropped')),
    reason text
);
CREATE UNIQUE INDEX target_serving ON outbox.target (index) WHERE state = 'serving';
COMMENT ON TABLE outbox.target IS 'the collections of each index, and whether writing to them is suspended';

-- "The document with this key may have changed." Appended by triggers, then only marked.
-- No foreign key, no CHECK, no unique key but the primary one: the user's own transaction pays for each of them.
-- The wide fixed columns stand first, so that no byte is lost to alignment. CACHE 32: ids are no order of commits, and
-- nothing relies on one. vacuum_truncate off: truncation takes an ACCESS EXCLUSIVE lock, and writers would wait.
CREATE TABLE outbox.event (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 32) PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    available_at timestamptz NOT NULL DEFAULT now(),
    claim bigint,
    done_at timestamptz,
    dead_at timestamptz,
    cause bigint,
    source regclass,
    lane outbox.lane NOT NULL DEFAULT 'live',
    index smallint NOT NULL,
    target smallint NOT NULL DEFAULT 0,
    suspect smallint NOT NULL DEFAULT 0,
    way smallint,
    op "char" NOT NULL,
    key text,
    route jsonb,
    progress jsonb,
    last_error text
) WITH (
    vacuum_truncate = false,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 5000
);
COMMENT ON COLUMN outbox.event.target IS '0: whichever target serves; else the building or standby target of that id';
COMMENT ON COLUMN outbox.event.key IS 'of the document; null for a fan-out event, which the relay expands';
COMMENT ON COLUMN outbox.event.op IS 'I, U, D, T: what the statement did; R: a replay';
COMMENT ON COLUMN outbox.event.cause IS 'the fan-out event that this one was expanded from';


-- The order of claiming. available_at before id: by id alone the planner chose the primary key and read every done row.
CREATE INDEX event_pending ON outbox.event (index, target, lane, available_at, id)
    WHERE key IS NOT NULL AND suspect = 0 AND done_at IS NULL AND dead_at IS NULL;
CREATE INDEX event_fanout ON outbox.event (index, available_at, id)
    WHERE key IS NULL AND done_at IS NULL AND dead_at IS NULL;
CREATE INDEX event_suspect ON outbox.event (index, target, key) WHERE suspect > 0 AND done_at IS NULL;
CREATE INDEX event_dead ON outbox.event (index, target, key) WHERE dead_at IS NOT NULL AND done_at IS NULL;

-- CACHE 1: a number drawn later is higher, in whatever session; versions in Solr rest on it.
CREATE SEQUENCE outbox.claim_number CACHE 1;

-- The ledger: one row for each Celery task. Keys and events stand here and not on the events, so that claiming, giving
-- back and undoing write one row. `server`: a claim is dead after another start of the server, which may have lost it.
CREATE TABLE outbox.claim (
    number bigint PRIMARY KEY,
    server timestamptz NOT NULL DEFAULT pg_postmaster_start_time(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz NOT NULL,
    work_lease interval NOT NULL,
    published_at timestamptz,
    begun_at timestamptz,
    ended_at timestamptz,
    lane outbox.lane NOT NULL,
    documents integer,
    index smallint NOT NULL,
    target smallint NOT NULL,
    keys text[] NOT NULL,
    events bigint[] NOT NULL,
    worker text,
    outcome text CHECK (
        outcome IN ('done', 'given back', 'not published', 'pre-empted', 'not begun', 'redelivered', 'lost')
    ),
    error text,
    CONSTRAINT claim_ended_has_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL))
) WITH (
    fillfactor = 70,
    vacuum_truncate = false,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000
);
CREATE INDEX claim_in_flight ON outbox.claim (target, number) WHERE ended_at IS NULL;
CREATE INDEX claim_ended ON outbox.claim (target, ended_at);
COMMENT ON COLUMN outbox.claim.number IS 'fencing token, and the documents'' version in Solr';

-- Read by every captured write: does the relay sleep, so that somebody has to wake it? One row, two columns.
CREATE TABLE outbox.relay (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    asleep_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO outbox.relay DEFAULT VALUES;

-- Which relay leads. A table of its own: it is written twice a second, and outbox.relay is read by every writer.
CREATE TABLE outbox.leader (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    renewed_at timestamptz NOT NULL DEFAULT '-infinity',
    holder text
);
INSERT INTO outbox.leader DEFAULT VALUES;
