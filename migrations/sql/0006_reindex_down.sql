ALTER TABLE outbox.target DROP COLUMN swapped;
ALTER TABLE outbox.index DROP COLUMN paused_until;
