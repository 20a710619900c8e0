ALTER TABLE outbox.target DROP COLUMN rewound;
