-- Takes the outbox away, but for Alembic's own table. Refused while triggers or views of the user's still use it: there
-- is no CASCADE here, so that no view of the user's is ever dropped.
DROP TABLE outbox.leader, outbox.relay, outbox.claim, outbox.event, outbox.target, outbox.index;
DROP SEQUENCE outbox.claim_number;
DROP FUNCTION IF EXISTS outbox.envelope_status(double precision, double precision, double precision, double precision);
DROP FUNCTION outbox.envelope(double precision, double precision, double precision, double precision);
DROP DOMAIN outbox.envelope;
DROP TYPE outbox.lane;
