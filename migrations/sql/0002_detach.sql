-- An index whose triggers are off, and what the relay's look each minute saw.
-- safe while old relays run: yes (one that runs on also claims for a detached index; is its view gone, then the breaker
-- opens and the events wait: nothing is lost)

-- Set first when an index is detached and cleared last when it is applied: whatever dies between, capture is not trusted.
ALTER TABLE outbox.index ADD COLUMN detached_at timestamptz;
-- What no trigger sees, as it was when the index was applied: names, each with a list of texts that may only grow.
ALTER TABLE outbox.index ADD COLUMN baseline jsonb;
-- Sentences, each with its cure; empty when all is as it was applied.
ALTER TABLE outbox.index ADD COLUMN notices text[] NOT NULL DEFAULT '{}';
