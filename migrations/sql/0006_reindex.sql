-- What a reindex needs: a pause that ends by itself, and whether a swap of cores was begun.
-- safe while old relays run: yes (they do not know the pause: reindex only once all are new)
ALTER TABLE outbox.index ADD COLUMN paused_until timestamptz;
ALTER TABLE outbox.target ADD COLUMN swapped text;
