ALTER TABLE outbox.target DROP COLUMN proof;
