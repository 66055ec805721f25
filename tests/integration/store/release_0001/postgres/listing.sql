-- name: count_buckets
-- Calls per bucket of each span: those of the filter, and all of the facet.
SELECT t.bucket_s * 1000000, (t.bucket_s + t.width_s) * 1000000, t.width_s, {matches}, t.calls
FROM unnest(:tenant::text[], :facet::text[], :width_s::bigint[], :lo_s::bigint[], :hi_s::bigint[])
    AS k (tenant, facet, width_s, lo_s, hi_s)
JOIN counts AS t ON t.tenant = k.tenant AND t.facet = k.facet AND t.width_s = k.width_s
    AND t.bucket_s >= k.lo_s AND t.bucket_s < k.hi_s AND {matches} > 0;

-- name: count_edges
-- Calls of the filter in parts of minutes, where no counter reaches.
SELECT k.lo_us, k.hi_us, 0, count(*), count(*)
FROM unnest(:tenant::text[], :lo_us::bigint[], :hi_us::bigint[], :value::text[]) AS k (tenant, lo_us, hi_us, value)
JOIN calls AS c ON c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
    AND {column} = k.value {filters}
GROUP BY k.lo_us, k.hi_us;

-- name: page_records
-- The records of all runs of buckets, joined by commas in the order of the runs.
SELECT string_agg(r.record, ','::bytea ORDER BY k.place, r.created_us {way}, r.id {way})
FROM unnest(
    :tenant::text[], :lo_us::bigint[], :hi_us::bigint[], :value::text[], :skip::bigint[], :most::bigint[]
) WITH ORDINALITY AS k (tenant, lo_us, hi_us, value, skip, most, place)
CROSS JOIN LATERAL (
    SELECT c.record, c.created_us, c.id FROM calls AS c
    WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
        AND {column} = k.value {filters}
    ORDER BY c.created_us {way}, c.id {way} LIMIT k.most OFFSET k.skip
) AS r;

-- name: timeline_of_nodes
-- Everything kept of the facts of a call.
SELECT t.received_us, t.outcome, t.reason, t.repeats, t.content, t.raw
FROM unnest(:tenant::text[], :node::bytea[]) AS k (tenant, node)
JOIN facts AS t ON t.tenant = k.tenant AND t.node = k.node;

-- name: number_total
-- How many calls have a number at either end.
SELECT count(*) FROM (
    SELECT c.id FROM calls AS c
    WHERE c.tenant = :tenant AND c.from_number = :number AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    UNION ALL
    SELECT c.id FROM calls AS c
    WHERE c.tenant = :tenant AND c.to_number = :number AND coalesce(c.from_number, '') <> :number
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
) AS n;

-- name: number_records
-- A page of the calls that have a number at either end: each from its own index, merged.
SELECT n.record FROM (
    SELECT c.record, c.created_us, c.id FROM calls AS c
    WHERE c.tenant = :tenant AND c.from_number = :number AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    UNION ALL
    SELECT c.record, c.created_us, c.id FROM calls AS c
    WHERE c.tenant = :tenant AND c.to_number = :number AND coalesce(c.from_number, '') <> :number
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    ORDER BY created_us {way}, id {way} LIMIT :most OFFSET :skip
) AS n
ORDER BY n.created_us {way}, n.id {way};
