-- name: quality_of_keys
-- Columns of rows that are not added to in place: histograms and the share of erased calls.
SELECT t.tenant, t.grain, t.bucket_s, t.key, t.histograms, t.erased
FROM unnest(:tenant::text[], :grain::smallint[], :bucket_s::bigint[], :key::bytea[]) AS k (tenant, grain, bucket_s, key)
JOIN quality AS t ON t.tenant = k.tenant AND t.grain = k.grain AND t.bucket_s = k.bucket_s AND t.key = k.key;

-- name: add_quality!
-- Add a commit's differences to the roll-ups.
INSERT INTO quality (
    tenant, grain, bucket_s, key, direction, route, provider, agent, provider_account, end_reason, country,
    {columns}, histograms, erased
)
SELECT * FROM unnest(
    :tenant::text[], :grain::smallint[], :bucket_s::bigint[], :key::bytea[], :direction::smallint[], :route::text[],
    :provider::text[], :agent::text[], :provider_account::text[], :end_reason::text[], :country::text[],
    {arrays}, :histograms::bytea[], :erased::bytea[]
)
ON CONFLICT (tenant, grain, bucket_s, key) DO UPDATE SET
    {sums},
    histograms = coalesce(excluded.histograms, quality.histograms),
    erased = coalesce(excluded.erased, quality.erased);

-- name: remeasure_calls!
-- Measures of calls that changed although their records did not.
UPDATE calls AS t SET measured = k.measured, measured_revision = k.revision
FROM unnest(:tenant::text[], :id::bytea[], :measured::bytea[], :revision::bigint[]) AS k (tenant, id, measured, revision)
WHERE t.tenant = k.tenant AND t.id = k.id;

-- name: open_quality_days!
-- Reopen days that change: they leave the roll-ups of several days.
DELETE FROM quality_closed AS t USING unnest(:tenant::text[], :day_s::bigint[]) AS k (tenant, day_s)
WHERE t.tenant = k.tenant AND t.day_s = k.day_s;

-- name: put_quality_block!
-- Sum a block from its parts. Any part's hash can serve as the key of a row: no other row has it.
INSERT INTO quality (
    tenant, grain, bucket_s, key, direction, route, provider, agent, provider_account, end_reason, country, {columns}
)
SELECT :tenant, :grain::smallint, :bucket_s::bigint, decode(min(encode(q.key, 'hex')), 'hex'), {keys}, {sums} FROM quality AS q
WHERE q.tenant = :tenant AND q.grain = :made_of AND q.bucket_s >= :bucket_s AND q.bucket_s < :hi_s AND q.attempts > 0
GROUP BY {group};

-- name: quality_sums
-- Sums of roll-ups over ranges of time, by piece and some of the keys. OFFSET 0 looks up each range by
-- itself: a join would read all of the tenant's rows as soon as there are statistics.
SELECT {keys}, {sums}
FROM (
    SELECT (value ->> 0)::smallint AS grain, (value ->> 1)::bigint AS lo_s, (value ->> 2)::bigint AS hi_s, (value ->> 3)::integer AS piece
    FROM jsonb_array_elements(:ranges::text::jsonb)
) AS k
CROSS JOIN LATERAL (
    SELECT * FROM quality AS t
    WHERE t.tenant = :tenant AND t.grain = k.grain AND t.bucket_s >= k.lo_s AND t.bucket_s < k.hi_s AND t.attempts > 0
    OFFSET 0
) AS q
WHERE q.tenant = :tenant {filters}
GROUP BY {keys} LIMIT :most;

-- name: quality_histograms
-- Histograms over ranges of time, by piece and some of the keys.
SELECT {keys}, q.histograms
FROM (
    SELECT (value ->> 0)::smallint AS grain, (value ->> 1)::bigint AS lo_s, (value ->> 2)::bigint AS hi_s, (value ->> 3)::integer AS piece
    FROM jsonb_array_elements(:ranges::text::jsonb)
) AS k
CROSS JOIN LATERAL (
    SELECT * FROM quality AS t
    WHERE t.tenant = :tenant AND t.grain = k.grain AND t.bucket_s >= k.lo_s AND t.bucket_s < k.hi_s AND t.attempts > 0
    OFFSET 0
) AS q
WHERE q.tenant = :tenant AND q.histograms IS NOT NULL {filters};
