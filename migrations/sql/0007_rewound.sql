-- What the relay found last where Solr lacked what was written to it, for `outbox status`, and so that it is answered once.
-- safe while old relays run: yes (they do not compare)
ALTER TABLE outbox.target ADD COLUMN rewound jsonb;
