-- Suspects, and what the breaker has to know of the claim that opened it.
-- safe while old relays run: yes (they leave suspects alone, as before)

ALTER TABLE outbox.claim ADD COLUMN suspects boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbox.claim.suspects IS 'its keys are suspects: one such claim of a target is in flight at the most';

ALTER TABLE outbox.target ADD COLUMN failed bigint;
COMMENT ON COLUMN outbox.target.failed IS 'the claim that failed last; a probe takes none of its keys while others wait';
