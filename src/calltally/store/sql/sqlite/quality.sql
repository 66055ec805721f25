-- name: quality_of_keys
-- What rows hold that is not added to where it stands: histograms, and the share of erased calls.
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
-- What calls add, where that changed and their records did not.
UPDATE calls SET measured = :measured, measured_revision = :revision WHERE tenant = :tenant AND id = :id;
