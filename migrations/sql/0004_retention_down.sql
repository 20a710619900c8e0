DROP TABLE outbox.pruned;
ALTER TABLE outbox.event RESET (toast.vacuum_truncate, toast.autovacuum_vacuum_cost_delay,
    toast.autovacuum_vacuum_scale_factor, toast.autovacuum_vacuum_threshold);
ALTER TABLE outbox.claim RESET (toast.vacuum_truncate, toast.autovacuum_vacuum_cost_delay,
    toast.autovacuum_vacuum_scale_factor, toast.autovacuum_vacuum_threshold);
