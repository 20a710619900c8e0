ALTER TABLE outbox.claim DROP COLUMN suspects;
ALTER TABLE outbox.target DROP COLUMN failed;
