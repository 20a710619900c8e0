ALTER TABLE outbox.claim DROP COLUMN suspects;
ALTER TABLE outbox.target DROP COLUMN failed, DROP COLUMN checked_server, DROP COLUMN recheck_at,
    DROP COLUMN recheck_above, DROP COLUMN recheck_to;
