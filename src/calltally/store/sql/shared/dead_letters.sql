-- name: put_dead_letter
-- A repeated letter waits for its replay again, with its latest reason, unless it is settled on arrival.
INSERT INTO dead_letters (tenant, letter_id, provider, received_us, reason, request, repeats, replayed_us)
VALUES (:tenant, :letter_id, :provider, :received_us, :reason, :request, 0, :replayed_us)
ON CONFLICT (tenant, letter_id) DO UPDATE
SET repeats = dead_letters.repeats + 1, reason = excluded.reason, replayed_us = excluded.replayed_us
RETURNING repeats

-- name: list_dead_letters
-- Letters that wait for a replay, oldest first, after a letter; '' is any provider. Letters that were settled on
-- arrival are optional.
SELECT letter_id, provider, received_us, reason, request, repeats
FROM dead_letters
WHERE
    tenant = :tenant
    AND (replayed_us IS NULL OR (:kept = 1 AND replayed_us = received_us))
    AND (provider = :provider OR :provider = '')
    AND (received_us, letter_id) > (:after_us, :after_id)
ORDER BY received_us, letter_id
LIMIT :limit

-- name: browse_dead_letters
-- Letters that wait for a replay, newest first, without their requests; '' is any provider.
SELECT letter_id, provider, received_us, reason, repeats
FROM dead_letters
WHERE tenant = :tenant AND replayed_us IS NULL AND (provider = :provider OR :provider = '')
ORDER BY received_us DESC, letter_id DESC
LIMIT :limit OFFSET :offset

-- name: find_dead_letter
SELECT letter_id, provider, received_us, reason, request, repeats, replayed_us
FROM dead_letters
WHERE tenant = :tenant AND letter_id = :letter_id

-- name: settle_dead_letter!
UPDATE dead_letters
SET replayed_us = :now_us
WHERE tenant = :tenant AND letter_id = :letter_id

-- name: explain_dead_letter!
UPDATE dead_letters
SET reason = :reason
WHERE tenant = :tenant AND letter_id = :letter_id

-- name: count_dead_letters
-- Letters that wait for a replay, by provider.
SELECT provider, count(*)
FROM dead_letters
WHERE tenant = :tenant AND replayed_us IS NULL
GROUP BY provider
ORDER BY provider

-- name: letters_before
-- Letters received before an instant, oldest first.
SELECT letter_id
FROM dead_letters
WHERE tenant = :tenant AND received_us < :before_us
ORDER BY received_us, letter_id
LIMIT :most

-- name: expire_dead_letters
-- Letters received before an instant, replayed or not.
DELETE FROM dead_letters
WHERE
    tenant = :tenant
    AND letter_id IN (
        SELECT d.letter_id FROM dead_letters AS d
        WHERE d.tenant = :tenant AND d.received_us < :before_us
        ORDER BY d.received_us, d.letter_id
        LIMIT :most
    )
RETURNING letter_id
