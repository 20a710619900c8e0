-- What retention needs: how far the ledger was pruned, and no truncation that writers would wait for.
-- safe while old relays run: yes (they prune nothing, and know nothing of it)

-- `outbox replay --since` is refused for a time before it: keys of pruned claims are not known any more. One row.
CREATE TABLE outbox.pruned (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    claims_before timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO outbox.pruned DEFAULT VALUES;
COMMENT ON COLUMN outbox.pruned.claims_before IS 'claims that ended before this may be gone';

-- The keys of large claims and long routes lie in TOAST tables, whose settings are their own: a vacuum that truncates one
-- takes an ACCESS EXCLUSIVE lock on it, and whoever claims or writes waits. And they are vacuumed as the tables are: by
-- count, since what is pruned is a small part of a large table.
ALTER TABLE outbox.event SET (
    toast.vacuum_truncate = false,
    toast.autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 5000
);
ALTER TABLE outbox.claim SET (
    toast.vacuum_truncate = false,
    toast.autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 5000
);
