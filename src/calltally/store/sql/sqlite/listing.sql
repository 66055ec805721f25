-- name: count_buckets
-- Calls per bucket of a span: those of the filter, and all of the facet.
SELECT width_s, bucket_s, {matches}, {rows} FROM counts
WHERE tenant = :tenant AND facet = :facet AND width_s = :width_s AND bucket_s >= :lo_s AND bucket_s < :hi_s;

-- name: count_edges
-- Calls of the filter in a part of a minute, where no counter reaches.
SELECT k.lo_us, k.hi_us, count(*)
FROM (SELECT :tenant AS tenant, :lo_us AS lo_us, :hi_us AS hi_us, :value AS value) AS k
CROSS JOIN calls AS c INDEXED BY calls_listed
WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us {filters}
GROUP BY k.lo_us, k.hi_us;

-- name: page_records
-- The records of one run of buckets; what is skipped is read from the index alone.
SELECT c.record
FROM (SELECT :tenant AS tenant, :lo_us AS lo_us, :hi_us AS hi_us, :value AS value) AS k
CROSS JOIN calls AS c INDEXED BY calls_listed
WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us {filters}
ORDER BY c.created_us {way}, c.id {way} LIMIT :most OFFSET :skip;

-- name: timeline_of_nodes
-- Everything kept of the facts of a call.
SELECT received_us, outcome, reason, repeats, content, raw FROM facts WHERE tenant = :tenant AND node = :node;
