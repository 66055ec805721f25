-- name: quality_of_keys
-- Columns of rows that are not added to in place: histograms and the share of erased calls.
SELECT tenant, grain, bucket_s, key, histograms, erased FROM quality
WHERE tenant = :tenant AND grain = :grain AND bucket_s = :bucket_s AND key = :key;

-- name: add_quality!
-- Add a commit's differences to the roll-ups.
INSERT INTO quality (
    tenant, grain, bucket_s, key, direction, route, provider, agent, provider_account, end_reason, country,
    {columns}, histograms, erased
)
VALUES (
    :tenant, :grain, :bucket_s, :key, :direction, :route, :provider, :agent, :provider_account, :end_reason, :country,
    {values}, :histograms, :erased
)
ON CONFLICT (tenant, grain, bucket_s, key) DO UPDATE SET
    {sums},
    histograms = coalesce(excluded.histograms, quality.histograms),
    erased = coalesce(excluded.erased, quality.erased);

-- name: remeasure_calls!
-- Measures of calls that changed although their records did not.
UPDATE calls SET measured = :measured, measured_revision = :revision WHERE tenant = :tenant AND id = :id;

-- name: open_quality_days!
-- Reopen days that change: they leave the roll-ups of several days.
DELETE FROM quality_closed WHERE tenant = :tenant AND day_s = :day_s;

-- name: put_quality_block!
-- Sum a block from its parts. Any part's hash can serve as the key of a row: no other row has it.
INSERT INTO quality (
    tenant, grain, bucket_s, key, direction, route, provider, agent, provider_account, end_reason, country, {columns}
)
SELECT :tenant, :grain, :bucket_s, min(q.key), {keys}, {sums} FROM quality AS q
WHERE q.tenant = :tenant AND q.grain = :made_of AND q.bucket_s >= :bucket_s AND q.bucket_s < :hi_s AND q.attempts > 0
GROUP BY {group};

-- name: quality_sums
-- Sums of roll-ups over ranges of time, by piece and some of the keys.
WITH k (grain, lo_s, hi_s, piece) AS MATERIALIZED (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]')
    FROM json_each(:ranges)
)
SELECT {keys}, {sums} FROM k CROSS JOIN quality AS q
WHERE q.tenant = :tenant AND q.grain = k.grain AND q.bucket_s >= k.lo_s AND q.bucket_s < k.hi_s AND q.attempts > 0 {filters}
GROUP BY {keys} LIMIT :most;

-- name: quality_histograms
-- Histograms over ranges of time, by piece and some of the keys.
WITH k (grain, lo_s, hi_s, piece) AS MATERIALIZED (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]')
    FROM json_each(:ranges)
)
SELECT {keys}, q.histograms FROM k CROSS JOIN quality AS q
WHERE q.tenant = :tenant AND q.grain = k.grain AND q.bucket_s >= k.lo_s AND q.bucket_s < k.hi_s
    AND q.histograms IS NOT NULL AND q.attempts > 0 {filters};
