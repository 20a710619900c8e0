-- name: relay_leads
-- The leader renews its row every half second; after two seconds without it another relay takes over.
SELECT count(*) FROM outbox.leader WHERE renewed_at > clock_timestamp() - interval '2 seconds'
