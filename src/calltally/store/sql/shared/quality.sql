-- name: unmeasured_calls
-- How many calls of a window stand in no roll-up yet: a release without them wrote those.
SELECT count(*) FROM calls
WHERE tenant = :tenant AND created_us >= :lo_us AND created_us < :hi_us AND measured IS NULL;

-- name: stale_calls
-- How many calls are to be measured.
SELECT count(*) FROM calls WHERE tenant = :tenant {filters};

-- name: calls_to_measure
-- Calls in the order of their ids that are to be measured.
SELECT id FROM calls WHERE tenant = :tenant AND id > :id {filters} ORDER BY id LIMIT :most;

-- name: windows_of_quality
-- In which windows of a width a tenant has roll-ups.
SELECT DISTINCT bucket_s - (bucket_s % :width_s + :width_s) % :width_s FROM quality WHERE tenant = :tenant;

-- name: quality_between
-- The roll-ups of hours and days whose buckets begin in a window.
SELECT
    grain, bucket_s, key, direction, route, provider, agent, provider_account, end_reason, country,
    {columns}, histograms, erased
FROM quality WHERE tenant = :tenant AND bucket_s >= :lo_s AND bucket_s < :hi_s AND grain <= 4;

-- name: measured_after
-- What each call of a window adds, in the order of their creation, from behind a call or an instant.
SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.measured FROM calls AS c
WHERE c.tenant = :tenant AND (c.created_us, c.id) > (:after_us, :after_id) AND c.created_us < :hi_us
    AND c.measured IS NOT NULL {filters}
ORDER BY c.created_us, c.id LIMIT :most;

-- name: closed_quality_days
-- Which days of a span stand in the roll-ups of several days.
SELECT day_s FROM quality_closed WHERE tenant = :tenant AND day_s >= :lo_s AND day_s < :hi_s;

-- name: next_day_of_quality
-- The first day from some day on that has roll-ups.
SELECT min(bucket_s) FROM quality
WHERE tenant = :tenant AND grain = :grain AND bucket_s >= :from_s AND bucket_s < :before_s;

-- name: close_quality_day!
-- A day stands in the roll-ups of several days from now on.
INSERT INTO quality_closed (tenant, day_s) VALUES (:tenant, :day_s) ON CONFLICT (tenant, day_s) DO NOTHING;

-- name: drop_quality_block!
-- What a block was before it is added up anew.
DELETE FROM quality WHERE tenant = :tenant AND grain = :grain AND bucket_s = :bucket_s;

-- name: first_bucket_of_facet
-- When a route, agent or provider had its first call, to the width of its counters.
SELECT min(bucket_s) FROM counts
WHERE tenant = :tenant AND facet = :facet AND width_s = :width_s AND calls > 0;
