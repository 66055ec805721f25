-- name: count_buckets
-- Calls per bucket of a span: those of the filter, and all of the facet.
SELECT bucket_s * 1000000, (bucket_s + width_s) * 1000000, width_s, {matches}, calls FROM counts
WHERE tenant = :tenant AND facet = :facet AND width_s = :width_s AND bucket_s >= :lo_s AND bucket_s < :hi_s
    AND {matches} > 0;

-- name: count_edges
-- Calls of the filter in a part of a minute, where no counter reaches.
SELECT :lo_us, :hi_us, 0, count(*), count(*) FROM calls AS c INDEXED BY calls_listed
WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {column} = :value {filters}
HAVING count(*) > 0;

-- name: page_records
-- The records of one run of buckets, joined by commas: a page of 1,000 so costs two thirds of fetching its rows.
-- The page is found in the index alone; a plain OFFSET would read each row that it skips, at ten times the price.
SELECT CAST(group_concat(j.record, ',') AS BLOB) FROM (
    SELECT r.record AS record
    FROM (
        SELECT c.rowid AS place, c.created_us AS created_us, c.id AS id FROM calls AS c INDEXED BY calls_listed
        WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {column} = :value {filters}
        ORDER BY c.created_us {way}, c.id {way} LIMIT :most OFFSET :skip
    ) AS p
    CROSS JOIN calls AS r ON r.rowid = p.place
    ORDER BY p.created_us {way}, p.id {way}
) AS j;

-- name: timeline_of_nodes
-- Everything kept of the facts of a call.
SELECT received_us, outcome, reason, repeats, content, raw FROM facts WHERE tenant = :tenant AND node = :node;

-- name: number_total
-- How many calls have a number at either end.
SELECT count(*) FROM (
    SELECT c.id FROM calls AS c INDEXED BY calls_from
    WHERE c.tenant = :tenant AND c.from_number = :number AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    UNION ALL
    SELECT c.id FROM calls AS c INDEXED BY calls_to
    WHERE c.tenant = :tenant AND c.to_number = :number AND coalesce(c.from_number, '') <> :number
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
) AS n;

-- name: number_records
-- A page of the calls that have a number at either end: each from its own index, merged.
SELECT n.record FROM (
    SELECT c.record, c.created_us, c.id FROM calls AS c INDEXED BY calls_from
    WHERE c.tenant = :tenant AND c.from_number = :number AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    UNION ALL
    SELECT c.record, c.created_us, c.id FROM calls AS c INDEXED BY calls_to
    WHERE c.tenant = :tenant AND c.to_number = :number AND coalesce(c.from_number, '') <> :number
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    ORDER BY created_us {way}, id {way} LIMIT :most OFFSET :skip
) AS n
ORDER BY n.created_us {way}, n.id {way};
