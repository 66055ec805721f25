-- name: unmeasured_calls
-- Number of calls of a window without roll-ups, which a release without roll-ups wrote.
SELECT count(*) FROM calls
WHERE tenant = :tenant AND created_us >= :lo_us AND created_us < :hi_us AND measured IS NULL;

-- name: stale_calls
-- Number of calls to measure.
SELECT count(*) FROM calls WHERE tenant = :tenant {filters};

-- name: calls_to_measure
-- Calls to measure, by id.
SELECT id FROM calls WHERE tenant = :tenant AND id > :id {filters} ORDER BY id LIMIT :most;

-- name: windows_of_quality
-- Windows of a width with roll-ups.
SELECT DISTINCT bucket_s - (bucket_s % :width_s + :width_s) % :width_s FROM quality WHERE tenant = :tenant;

-- name: quality_between
-- Roll-ups of hours and days with buckets that begin in a window.
SELECT
    grain, bucket_s, key, direction, route, provider, agent, provider_account, end_reason, country,
    {columns}, histograms, erased
FROM quality WHERE tenant = :tenant AND bucket_s >= :lo_s AND bucket_s < :hi_s AND grain <= 4;

-- name: measured_after
-- Measures of each call of a window, in the order of creation, after a call or an instant.
SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.measured FROM calls AS c
WHERE c.tenant = :tenant AND (c.created_us, c.id) > (:after_us, :after_id) AND c.created_us < :hi_us
    AND c.measured IS NOT NULL {filters}
ORDER BY c.created_us, c.id LIMIT :most;

-- name: closed_quality_days
-- Closed days of a span: the days in roll-ups of several days.
SELECT day_s FROM quality_closed WHERE tenant = :tenant AND day_s >= :lo_s AND day_s < :hi_s;

-- name: next_day_of_quality
-- First day with roll-ups, from a day on.
SELECT min(bucket_s) FROM quality
WHERE tenant = :tenant AND grain = :grain AND bucket_s >= :from_s AND bucket_s < :before_s;

-- name: close_quality_day!
-- Close a day: include it in roll-ups of several days.
INSERT INTO quality_closed (tenant, day_s) VALUES (:tenant, :day_s) ON CONFLICT (tenant, day_s) DO NOTHING;

-- name: drop_quality_block!
-- Old rows of a block, before it is summed again.
DELETE FROM quality WHERE tenant = :tenant AND grain = :grain AND bucket_s = :bucket_s;

-- name: first_bucket_of_facet
-- First call of a route, agent or provider, to the width of its counters.
SELECT min(bucket_s) FROM counts
WHERE tenant = :tenant AND facet = :facet AND width_s = :width_s AND calls > 0;
