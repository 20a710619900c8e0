-- What `outbox verify` found last, for `outbox status`.
-- safe while old relays run: yes (they do not read it)
ALTER TABLE outbox.target ADD COLUMN proof jsonb;
