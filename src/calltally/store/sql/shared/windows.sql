-- name: active_hours_of_providers
-- Hours with calls by provider, from the counters: the cost is linear in hours, not calls.
SELECT facet, bucket_s
FROM counts
WHERE
    tenant = :tenant
    AND facet >= 'provider='
    AND facet < 'provider>'
    AND width_s = 3600
    AND bucket_s >= :lo_s
    AND bucket_s < :hi_s
    AND calls > 0

-- name: waiting_letters_since
-- Dead letters since an instant that wait for a replay, by provider, with the time of the oldest.
SELECT provider, count(*), min(received_us)
FROM dead_letters
WHERE tenant = :tenant AND received_us >= :since_us AND replayed_us IS NULL
GROUP BY provider
ORDER BY provider
