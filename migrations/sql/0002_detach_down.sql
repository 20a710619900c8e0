-- A detached index is one without triggers: before 0002 that is one that was never wholly applied.
UPDATE outbox.index SET definition = NULL, applied_at = NULL WHERE detached_at IS NOT NULL;
ALTER TABLE outbox.index DROP COLUMN detached_at, DROP COLUMN baseline, DROP COLUMN notices;
