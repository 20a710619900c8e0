-- Suspects, what the breaker has to know of the claim that opened it, and whether Solr was compared with the ledger since
-- the server started.
-- safe while old relays run: yes (they leave suspects alone, as before)

ALTER TABLE outbox.claim ADD COLUMN suspects boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outbox.claim.suspects IS 'its keys are suspects: one such claim of a target is in flight at the most';

ALTER TABLE outbox.target ADD COLUMN failed bigint;
COMMENT ON COLUMN outbox.target.failed IS 'the claim that failed last; a probe takes none of its keys while others wait';

ALTER TABLE outbox.target ADD COLUMN checked_server timestamptz, ADD COLUMN recheck_at timestamptz,
    ADD COLUMN recheck_above bigint, ADD COLUMN recheck_to bigint;
COMMENT ON COLUMN outbox.target.checked_server IS 'the start of the server under which it was compared with the ledger';
COMMENT ON COLUMN outbox.target.recheck_at IS 'when versions above recheck_above, to recheck_to, are looked for again';
