-- name: quality_of_keys
-- What rows hold that is not added to where it stands: histograms, and the share of erased calls.
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
-- What calls add, where that changed and their records did not.
UPDATE calls AS t SET measured = k.measured, measured_revision = k.revision
FROM unnest(:tenant::text[], :id::bytea[], :measured::bytea[], :revision::bigint[]) AS k (tenant, id, measured, revision)
WHERE t.tenant = k.tenant AND t.id = k.id;
