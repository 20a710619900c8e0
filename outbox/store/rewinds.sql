-- name: busy
-- Whether a replay of the target's index is under way: what it writes is newer than what may lack. A fan-out without a way
-- stands for all documents.
SELECT EXISTS (
    SELECT FROM outbox.event AS e
    WHERE e.index = %(index)s AND e.target = %(queue)s AND e.lane = 'replay' AND e.key IS NOT NULL AND e.suspect = 0
        AND e.done_at IS NULL AND e.dead_at IS NULL
) OR EXISTS (
    SELECT FROM outbox.event AS e
    WHERE e.index = %(index)s AND e.key IS NULL AND e.way IS NULL AND e.done_at IS NULL AND e.dead_at IS NULL
);

-- name: witnesses
-- Of a target: the claims that were done last, for each age the one that was done last before it, and the oldest; each with
-- its first, middle and last key, one of which may not be edited all the time; of claims that indexed all of theirs. now(),
-- which is stable, and not clock_timestamp(): the index (target, ended_at) is read, at its ends and at each age.
SELECT DISTINCT ON (w.number) w.number, ARRAY[w.keys[1], w.keys[(w.documents + 1) / 2], w.keys[w.documents]]
FROM (
    SELECT interval '0' AS age, %(last)s::bigint AS claims
    UNION ALL
    SELECT age, 1 FROM unnest(%(ages)s::interval[]) AS a (age)
) AS a
CROSS JOIN LATERAL (
    (
        SELECT c.number, c.keys, c.documents FROM outbox.claim AS c
        WHERE c.target = %(target)s AND c.ended_at <= now() - a.age AND c.outcome = 'done'
            AND c.documents > 0 AND c.documents = cardinality(c.keys)
        ORDER BY c.ended_at DESC LIMIT a.claims
    )
    UNION ALL
    (
        SELECT c.number, c.keys, c.documents FROM outbox.claim AS c
        WHERE a.age = interval '0' AND c.target = %(target)s AND c.outcome = 'done'
            AND c.documents > 0 AND c.documents = cardinality(c.keys)
        ORDER BY c.ended_at LIMIT %(oldest)s
    )
) AS w
ORDER BY w.number;

-- name: answered
SELECT coalesce((rewound ->> 'newest')::bigint, 0) FROM outbox.target WHERE id = %(target)s;

-- name: on_their_way
-- Those of the keys that wait, or are in a claim that is not ended.
SELECT key FROM outbox.event
WHERE index = %(index)s AND target = %(queue)s AND key = ANY (%(keys)s::text[]) AND done_at IS NULL
UNION
SELECT k.key FROM outbox.claim AS c CROSS JOIN LATERAL unnest(c.keys) AS k (key)
WHERE c.target = %(target)s AND c.ended_at IS NULL AND k.key = ANY (%(keys)s::text[]);

-- name: still
-- Whether the index still writes to the collection that was looked at, and goes on: cores may have exchanged their names.
-- Without a lock, which a worker would wait for: an exchange a moment later costs a replay that was not needed.
SELECT i.id FROM outbox.target AS t JOIN outbox.index AS i ON i.id = t.index
WHERE t.id = %(target)s AND t.collection = %(collection)s AND NOT i.paused
    AND (i.paused_until > clock_timestamp()) IS NOT TRUE;

-- name: since
-- The time since when all that a Solr lacks was done, if it has what that claim wrote: what it lacks was done after its
-- state was taken, which was after the claim was made. None where claims that ended since then are pruned.
SELECT c.created_at
FROM outbox.claim AS c
CROSS JOIN outbox.pruned AS p
WHERE c.number = %(intact)s AND c.target = %(target)s AND c.created_at > p.claims_before;

-- name: replay_since
INSERT INTO outbox.event (index, target, lane, key, op)
SELECT %(index)s, %(queue)s, 'replay', d.key, 'R'
FROM (
    SELECT DISTINCT k.key FROM outbox.claim AS c CROSS JOIN LATERAL unnest(c.keys) AS k (key)
    WHERE c.target = %(target)s AND c.outcome = 'done' AND c.ended_at >= %(since)s
) AS d;

-- name: remember
UPDATE outbox.target
SET rewound = jsonb_build_object(
    'at', clock_timestamp(), 'newest', %(newest)s::bigint, 'since', %(since)s::timestamptz, 'documents', %(documents)s::bigint
)
WHERE id = %(target)s;
