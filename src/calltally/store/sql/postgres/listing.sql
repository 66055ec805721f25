-- name: count_buckets
-- Calls of the filter and of the facet, per bucket of each span.
SELECT t.bucket_s * 1000000, (t.bucket_s + t.width_s) * 1000000, t.width_s, {matches}, t.calls, t.revision
FROM unnest(:tenant::text[], :facet::text[], :width_s::bigint[], :lo_s::bigint[], :hi_s::bigint[])
    AS k (tenant, facet, width_s, lo_s, hi_s)
JOIN counts AS t ON t.tenant = k.tenant AND t.facet = k.facet AND t.width_s = k.width_s
    AND t.bucket_s >= k.lo_s AND t.bucket_s < k.hi_s AND {matches} > 0;

-- name: count_edges
-- Calls of the filter in parts of minutes, which have no counters.
SELECT k.lo_us, k.hi_us, 0, count(*), count(*), 0
FROM unnest(:tenant::text[], :lo_us::bigint[], :hi_us::bigint[], :value::text[]) AS k (tenant, lo_us, hi_us, value)
JOIN calls AS c ON c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
    AND {column} = k.value {filters}
GROUP BY k.lo_us, k.hi_us;

-- name: page_records
-- Joined records of each run of buckets.
-- Rows are skipped in the index alone, up to the first call of the page; from there on rows are read.
-- The aggregate reads a limited subquery in its order, without a second sort.
SELECT k.run_index, r.records, r.revision
FROM unnest(
    :tenant::text[], :lo_us::bigint[], :hi_us::bigint[], :value::text[], :skip::bigint[], :most::bigint[], :run_index::bigint[],
    :separator::bytea[]
) AS k (tenant, lo_us, hi_us, value, skip, most, run_index, separator)
CROSS JOIN LATERAL (
    SELECT c.created_us, c.id FROM calls AS c
    WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
        AND {column} = k.value {filters}
    ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT 1 OFFSET k.skip
) AS f
CROSS JOIN LATERAL (
    SELECT string_agg(s.record, k.separator) AS records, max(s.revision) AS revision
    FROM (
        SELECT c.record, c.revision FROM calls AS c
        WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
            AND c.created_us {comparison} f.created_us AND (c.created_us, c.id) {comparison} (f.created_us, f.id)
            AND {column} = k.value {filters}
        ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT k.most
    ) AS s
) AS r;

-- name: timeline_of_nodes
-- Stored facts of a call.
SELECT t.received_us, t.outcome, t.reason, t.repeats, t.content, t.raw
FROM unnest(:tenant::text[], :node::bytea[]) AS k (tenant, node)
JOIN facts AS t ON t.tenant = k.tenant AND t.node = k.node;

-- name: number_total
-- Number of calls with a number at either end.
SELECT coalesce(sum(m.calls), 0) FROM (
    SELECT c.calls FROM {from_each} CROSS JOIN LATERAL (
        SELECT count(*) AS calls FROM calls AS c
        WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    ) AS c
    UNION ALL
    SELECT c.calls FROM {to_each} CROSS JOIN LATERAL (
        SELECT count(*) AS calls FROM calls AS c
        WHERE c.tenant = :tenant AND {of_to} AND {only_to}
            AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    ) AS c
) AS m;

-- name: number_records
-- Page of calls with a number at either end: each end from its own index, only as far as the page can reach, merged.
SELECT n.record FROM (
    (
        SELECT c.* FROM {from_each} CROSS JOIN LATERAL (
            SELECT c.record, c.created_us, c.id FROM calls AS c
            WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
            ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :skip::bigint + :most::bigint
        ) AS c
    )
    UNION ALL
    (
        SELECT c.* FROM {to_each} CROSS JOIN LATERAL (
            SELECT c.record, c.created_us, c.id FROM calls AS c
            WHERE c.tenant = :tenant AND {of_to} AND {only_to}
                AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
            ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :skip::bigint + :most::bigint
        ) AS c
    )
    ORDER BY created_us {sort_order}, id {sort_order} LIMIT :most OFFSET :skip
) AS n
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: count_buckets_as_of
-- Calls per bucket of each span as of a revision: current counters of unchanged buckets, else from the history.
-- The predecessor of a row ends at the row's first revision; the first milestone after the revision shortens the search.
WITH RECURSIVE spans AS (
    SELECT * FROM unnest(
        :tenant::text[], :facet::text[], :width_s::bigint[], :lo_s::bigint[], :hi_s::bigint[], :as_of::bigint[]
    ) AS k (tenant, facet, width_s, lo_s, hi_s, as_of)
),
past (tenant, facet, width_s, bucket_s, as_of, ended, revision, matched, held) AS (
    SELECT k.tenant, k.facet, k.width_s, t.bucket_s::bigint, k.as_of, coalesce((
        SELECT m.valid_to FROM count_history AS m
        WHERE m.tenant = k.tenant AND m.facet = k.facet AND m.width_s = k.width_s AND m.bucket_s = t.bucket_s
            AND m.valid_to > k.as_of AND m.changes %% 64 = 0
        ORDER BY m.valid_to LIMIT 1
    ), t.revision), k.as_of + 1, 0::bigint, 0::bigint
    FROM spans AS k
    JOIN counts AS t ON t.tenant = k.tenant AND t.facet = k.facet AND t.width_s = k.width_s
        AND t.bucket_s >= k.lo_s AND t.bucket_s < k.hi_s AND t.revision > k.as_of
    UNION ALL
    SELECT p.tenant, p.facet, p.width_s, p.bucket_s, p.as_of, h.revision, h.revision, {matches}::bigint, calls::bigint
    FROM past AS p
    JOIN count_history AS h ON h.tenant = p.tenant AND h.valid_to = p.ended AND h.facet = p.facet
        AND h.width_s = p.width_s AND h.bucket_s = p.bucket_s
    WHERE p.revision > p.as_of
)
SELECT t.bucket_s * 1000000, (t.bucket_s + t.width_s) * 1000000, t.width_s::bigint, {matches}::bigint, t.calls::bigint, 0
FROM spans AS k
JOIN counts AS t ON t.tenant = k.tenant AND t.facet = k.facet AND t.width_s = k.width_s
    AND t.bucket_s >= k.lo_s AND t.bucket_s < k.hi_s AND t.revision <= k.as_of AND {matches} > 0
UNION ALL
SELECT p.bucket_s * 1000000, (p.bucket_s + p.width_s) * 1000000, p.width_s, p.matched, p.held, 1 FROM past AS p
WHERE p.revision <= p.as_of AND p.matched > 0;

-- name: count_edges_as_of
-- Calls of the filter in parts of minutes as of a revision.
SELECT k.lo_us, k.hi_us, 0, n.matched, n.matched, 1
FROM unnest(:tenant::text[], :lo_us::bigint[], :hi_us::bigint[], :value::text[], :as_of::bigint[])
    AS k (tenant, lo_us, hi_us, value, as_of)
CROSS JOIN LATERAL (
    SELECT (
        SELECT count(*) FROM calls AS c
        WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
            AND {column} = k.value {filters} AND c.revision <= k.as_of
    ) + (
        SELECT count(*) FROM call_versions AS c
        WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
            AND {column} = k.value {filters} AND c.valid_from <= k.as_of AND c.valid_to > k.as_of
    ) AS matched
) AS n
WHERE n.matched > 0;

-- name: page_rows_as_of
-- Calls of each run of buckets as of a revision: unchanged calls with their records, others from their versions.
SELECT k.run_index, r.id, r.created_us, r.revision, r.updated_us, r.record
FROM unnest(
    :tenant::text[], :lo_us::bigint[], :hi_us::bigint[], :value::text[], :skip::bigint[], :most::bigint[],
    :run_index::bigint[], :as_of::bigint[]
) AS k (tenant, lo_us, hi_us, value, skip, most, run_index, as_of)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT c.created_us, c.id, c.revision, c.updated_us, c.record FROM calls AS c
        WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
            AND {column} = k.value {filters} AND c.revision <= k.as_of
        UNION ALL
        SELECT c.created_us, c.id, c.valid_from, c.updated_us, NULL FROM call_versions AS c
        WHERE c.tenant = k.tenant AND c.created_us >= k.lo_us AND c.created_us < k.hi_us
            AND {column} = k.value {filters} AND c.valid_from <= k.as_of AND c.valid_to > k.as_of
    ) AS n
    ORDER BY n.created_us {sort_order}, n.id {sort_order} LIMIT k.most OFFSET k.skip
) AS r
ORDER BY k.run_index, r.created_us {sort_order}, r.id {sort_order};

-- name: changed_total
-- Number of calls of a filter that changed since a revision.
SELECT count(*) FROM calls AS c
WHERE c.tenant = :tenant AND c.revision > :as_of AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters};

-- name: superseded_total
-- Number of calls that matched a filter as of a revision and changed since: linear in the changes since.
SELECT count(*) FROM call_versions AS c
WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
    AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters};

-- name: scan_total
-- Number of calls of a filter without counters.
SELECT coalesce(sum(m.calls), 0) FROM {each} CROSS JOIN LATERAL (
    SELECT count(*) AS calls FROM calls AS c
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {among} {filters}
) AS m;

-- name: scan_records
-- Page of a filter without counters, one record per row: linear in the calls before and in it, or in the calls of the index
-- if its order is another one. Rows are skipped and sorted without their records.
SELECT r.record FROM (
    SELECT c.created_us, c.id FROM {each} CROSS JOIN LATERAL (
        SELECT c.created_us, c.id FROM calls AS c
        WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {among} {filters}
        ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :skip::bigint + :most::bigint
    ) AS c
    ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :most OFFSET :skip
) AS n
JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: scan_rows_as_of
-- Page of a filter without counters, as of a revision.
SELECT 0, n.id, n.created_us, n.revision, n.updated_us, r.record FROM (
    (
        SELECT c.* FROM {each} CROSS JOIN LATERAL (
            SELECT c.created_us, c.id, c.revision, c.updated_us, 1 AS is_current FROM calls AS c
            WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {among} {filters}
                AND c.revision <= :as_of
            ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :skip::bigint + :most::bigint
        ) AS c
    )
    UNION ALL
    (
        SELECT c.created_us, c.id, c.valid_from, c.updated_us, 0 FROM call_versions AS c
        WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
            AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {of_version} {filters}
        ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :skip::bigint + :most::bigint
    )
    ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :most OFFSET :skip
) AS n
LEFT JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id AND n.is_current = 1
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: number_rows_as_of
-- Page of calls with a number at either end, as of a revision.
SELECT 0, n.id, n.created_us, n.revision, n.updated_us, r.record FROM (
    (
        SELECT c.* FROM {from_each} CROSS JOIN LATERAL (
            SELECT c.created_us, c.id, c.revision, c.updated_us, 1 AS is_current FROM calls AS c
            WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
                AND c.revision <= :as_of
            ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :skip::bigint + :most::bigint
        ) AS c
    )
    UNION ALL
    (
        SELECT c.* FROM {to_each} CROSS JOIN LATERAL (
            SELECT c.created_us, c.id, c.revision, c.updated_us, 1 FROM calls AS c
            WHERE c.tenant = :tenant AND {of_to} AND {only_to}
                AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters} AND c.revision <= :as_of
            ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :skip::bigint + :most::bigint
        ) AS c
    )
    UNION ALL
    (
        SELECT c.created_us, c.id, c.valid_from, c.updated_us, 0 FROM call_versions AS c
        WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
            AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {of_version}
            {filters}
        ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :skip::bigint + :most::bigint
    )
    ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :most OFFSET :skip
) AS n
LEFT JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id AND n.is_current = 1
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: inspect_records
-- Page of matching calls among the first `inspected` calls of a window, in the requested order; each call is checked.
SELECT r.record FROM (
    SELECT c.created_us, c.id FROM (
        SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
        FROM calls AS c
        WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
        ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :inspected
    ) AS c
    WHERE TRUE {filters} ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :most OFFSET :skip
) AS n
JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: inspect_rows_as_of
-- The same as of a revision.
SELECT 0, n.id, n.created_us, n.revision, n.updated_us, r.record FROM (
    SELECT c.id, c.created_us, c.revision, c.updated_us, c.is_current FROM (
        (
            SELECT c.created_us, c.id, c.revision, c.updated_us, 1 AS is_current,
                c.status, c.direction, c.route, c.agent, c.provider, c.escalated
            FROM calls AS c
            WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND c.revision <= :as_of
            ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :inspected
        )
        UNION ALL
        (
            SELECT c.created_us, c.id, c.valid_from, c.updated_us, 0,
                c.status, c.direction, c.route, c.agent, c.provider, c.escalated
            FROM call_versions AS c
            WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
                AND c.created_us >= :lo_us AND c.created_us < :hi_us
            ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :inspected
        )
        ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :inspected
    ) AS c
    WHERE TRUE {filters} ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :most OFFSET :skip
) AS n
LEFT JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id AND n.is_current = 1
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: newest_total
-- Number of the newest `inspected` calls of a window, and how many of them match a filter.
SELECT count(*), count(CASE WHEN TRUE {filters} THEN 1 END) FROM (
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM calls AS c
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
    ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
) AS c;

-- name: newest_total_as_of
-- The same as of a revision.
SELECT count(*), count(CASE WHEN TRUE {filters} THEN 1 END) FROM (
    (
        SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
        FROM calls AS c
        WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND c.revision <= :as_of
        ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
    )
    UNION ALL
    (
        SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
        FROM call_versions AS c
        WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
            AND c.created_us >= :lo_us AND c.created_us < :hi_us
        ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
    )
    ORDER BY 1 DESC, 2 DESC LIMIT :inspected
) AS c;

-- name: number_newest_total
-- Number of calls with a number at either end, up to `inspected` of them, and how many of these match a filter.
-- The order is that of the index: without it, PostgreSQL may read the table. The calls of several numbers are not sorted.
SELECT count(*), count(CASE WHEN TRUE {filters} THEN 1 END) FROM (
    (
        SELECT c.* FROM {from_each} CROSS JOIN LATERAL (
            SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
            FROM calls AS c
            WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us
            ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
        ) AS c
    )
    UNION ALL
    (
        SELECT c.* FROM {to_each} CROSS JOIN LATERAL (
            SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
            FROM calls AS c
            WHERE c.tenant = :tenant AND {of_to} AND {only_to}
                AND c.created_us >= :lo_us AND c.created_us < :hi_us
            ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
        ) AS c
    )
    LIMIT :inspected
) AS c;

-- name: number_newest_total_as_of
-- The same as of a revision.
SELECT count(*), count(CASE WHEN TRUE {filters} THEN 1 END) FROM (
    (
        SELECT c.* FROM {from_each} CROSS JOIN LATERAL (
            SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
            FROM calls AS c
            WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us
                AND c.revision <= :as_of
            ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
        ) AS c
    )
    UNION ALL
    (
        SELECT c.* FROM {to_each} CROSS JOIN LATERAL (
            SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
            FROM calls AS c
            WHERE c.tenant = :tenant AND {of_to} AND {only_to}
                AND c.created_us >= :lo_us AND c.created_us < :hi_us AND c.revision <= :as_of
            ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
        ) AS c
    )
    UNION ALL
    (
        SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
        FROM call_versions AS c
        WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
            AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {of_version}
        ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
    )
    LIMIT :inspected
) AS c;

-- name: search_rows_as_of
-- Page of calls with all of some words, as of a revision: linear in these calls.
SELECT 0, n.id, n.created_us, n.revision, n.updated_us, r.record FROM (
    SELECT c.created_us, c.id, c.revision, c.updated_us, 1 AS is_current FROM ({ids}) AS d
    CROSS JOIN calls AS c
    WHERE c.tenant = :tenant AND c.id = d.id AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
        AND c.revision <= :as_of
    UNION ALL
    SELECT c.created_us, c.id, c.valid_from, c.updated_us, 0 FROM call_versions AS c
    WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters} AND {among_ids}
    ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :most OFFSET :skip
) AS n
LEFT JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id AND n.is_current = 1
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: ids_of_words
-- Calls with all of some words, as of a revision.
SELECT d.id FROM call_texts AS d
WHERE d.tenant = :tenant AND d.words @@ :tsquery::text::tsquery AND d.valid_from <= :as_of
    AND (d.valid_to IS NULL OR d.valid_to > :as_of);

-- name: has_words
-- True if a call has all of some words as of a revision, by its own text. A scalar instead of a join, so that the index of words is not read.
coalesce((
    SELECT d.words @@ :tsquery::text::tsquery FROM call_texts AS d
    WHERE d.tenant = :tenant AND d.id = c.id AND d.valid_from <= :as_of AND (d.valid_to IS NULL OR d.valid_to > :as_of)
    LIMIT 1
), FALSE);

-- name: from_is$
-- True if a call has a number as its caller.
(c.tenant = :tenant AND c.from_number = :whole);

-- name: to_is$
-- The same of the called number.
(c.tenant = :tenant AND c.to_number = :whole);

-- name: caller_is$
-- True if a call has the number of the filter by caller.
(c.tenant = :tenant AND c.from_number = :from_number);

-- name: called_is$
-- True if a call has the number of the filter by called number.
(c.tenant = :tenant AND c.to_number = :to_number);

-- name: from_listed$
-- True if the caller's number is the one of `each_caller`.
(c.tenant = :tenant AND c.from_number = k.number);

-- name: to_listed$
-- The same of the called number.
(c.tenant = :tenant AND c.to_number = k.number);

-- name: from_unlisted$
-- True if the caller's number is none of those that end with the digits of a search.
(
    c.tenant = :tenant AND coalesce(c.from_number, '') NOT IN (
        SELECT n.value ->> 1 FROM jsonb_array_elements(:callers::text::jsonb) AS n (value)
    )
);

-- name: each_caller$
-- Callers whose digits end with those of a search.
(
    SELECT n.value ->> 1 AS number FROM ledger_heads AS h CROSS JOIN jsonb_array_elements(:callers::text::jsonb) AS n (value)
    WHERE h.tenant = :tenant
) AS k;

-- name: each_called$
-- The same of the called numbers.
(
    SELECT n.value ->> 1 AS number FROM ledger_heads AS h CROSS JOIN jsonb_array_elements(:called::text::jsonb) AS n (value)
    WHERE h.tenant = :tenant
) AS k;

-- name: callers_of_ending
-- Different callers whose digits end alike: one search of the index per number, however many calls it has.
WITH RECURSIVE found (reversed, number) AS (
    (
        SELECT reverse(right(translate(c.from_number, ' ().-/', ''), 9)), c.from_number FROM calls AS c
        WHERE c.tenant = :tenant AND c.from_number IS NOT NULL
            AND reverse(right(translate(c.from_number, ' ().-/', ''), 9)) >= :ending::text AND reverse(right(translate(c.from_number, ' ().-/', ''), 9)) < :ending_end::text
        ORDER BY 1, 2 LIMIT 1
    )
    UNION ALL
    SELECT o.reversed, o.number FROM found AS p CROSS JOIN LATERAL (
        SELECT reverse(right(translate(c.from_number, ' ().-/', ''), 9)) AS reversed, c.from_number AS number FROM calls AS c
        WHERE c.tenant = :tenant AND c.from_number IS NOT NULL
            AND (reverse(right(translate(c.from_number, ' ().-/', ''), 9)), c.from_number) > (p.reversed, p.number)
            AND reverse(right(translate(c.from_number, ' ().-/', ''), 9)) < :ending_end::text
        ORDER BY 1, 2 LIMIT 1
    ) AS o
)
SELECT number FROM found LIMIT :most;

-- name: called_of_ending
-- The same of the called numbers.
WITH RECURSIVE found (reversed, number) AS (
    (
        SELECT reverse(right(translate(c.to_number, ' ().-/', ''), 9)), c.to_number FROM calls AS c
        WHERE c.tenant = :tenant AND c.to_number IS NOT NULL
            AND reverse(right(translate(c.to_number, ' ().-/', ''), 9)) >= :ending::text AND reverse(right(translate(c.to_number, ' ().-/', ''), 9)) < :ending_end::text
        ORDER BY 1, 2 LIMIT 1
    )
    UNION ALL
    SELECT o.reversed, o.number FROM found AS p CROSS JOIN LATERAL (
        SELECT reverse(right(translate(c.to_number, ' ().-/', ''), 9)) AS reversed, c.to_number AS number FROM calls AS c
        WHERE c.tenant = :tenant AND c.to_number IS NOT NULL
            AND (reverse(right(translate(c.to_number, ' ().-/', ''), 9)), c.to_number) > (p.reversed, p.number)
            AND reverse(right(translate(c.to_number, ' ().-/', ''), 9)) < :ending_end::text
        ORDER BY 1, 2 LIMIT 1
    ) AS o
)
SELECT number FROM found LIMIT :most;

-- name: callers_reach
-- Time up to which a page over several callers has to be read: beyond it, one of them alone fills the page.
SELECT {edge}(t.created_us) FROM {each_caller} CROSS JOIN LATERAL (
    SELECT c.created_us FROM calls AS c
    WHERE c.tenant = :tenant AND c.from_number = k.number
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT 1 OFFSET :skip::bigint + :most::bigint - 1
) AS t;

-- name: called_reach
-- The same over several called numbers.
SELECT {edge}(t.created_us) FROM {each_called} CROSS JOIN LATERAL (
    SELECT c.created_us FROM calls AS c
    WHERE c.tenant = :tenant AND c.to_number = k.number
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT 1 OFFSET :skip::bigint + :most::bigint - 1
) AS t;

-- name: from_ends$
-- True if the caller's number ends with the digits of a search, without or with their country code.
(
    c.tenant = :tenant AND (
        right(translate(c.from_number, ' ().-/', ''), length(:number::text)) = :number::text
        OR right(translate(c.from_number, ' ().-/', ''), length(:international::text)) = :international::text
    )
);

-- name: to_ends$
-- The same of the called number.
(
    c.tenant = :tenant AND (
        right(translate(c.to_number, ' ().-/', ''), length(:number::text)) = :number::text
        OR right(translate(c.to_number, ' ().-/', ''), length(:international::text)) = :international::text
    )
);

-- name: from_ending_is$
-- True if the caller's number has the last four digits of a search: the key of its index.
(c.tenant = :tenant AND right(translate(c.from_number, ' ().-/', ''), 4) = :ending);

-- name: to_ending_is$
-- The same of the called number.
(c.tenant = :tenant AND right(translate(c.to_number, ' ().-/', ''), 4) = :ending);

-- name: caller_ends$
-- True if the caller's number ends with the digits of the filter by caller, without or with their country code.
(
    c.tenant = :tenant AND (
        right(translate(c.from_number, ' ().-/', ''), length(:from_number::text)) = :from_number::text
        OR right(translate(c.from_number, ' ().-/', ''), length(:from_international::text)) = :from_international::text
    )
);

-- name: called_ends$
-- The same of the filter by called number.
(
    c.tenant = :tenant AND (
        right(translate(c.to_number, ' ().-/', ''), length(:to_number::text)) = :to_number::text
        OR right(translate(c.to_number, ' ().-/', ''), length(:to_international::text)) = :to_international::text
    )
);

-- name: caller_ending_is$
-- True if the caller's number has the last four digits of the filter: the key of its index.
(c.tenant = :tenant AND right(translate(c.from_number, ' ().-/', ''), 4) = :from_ending);

-- name: called_ending_is$
-- The same of the called number.
(c.tenant = :tenant AND right(translate(c.to_number, ' ().-/', ''), 4) = :to_ending);

-- name: id_in_prefix
-- True if a call is one of those whose SIDs begin alike.
c.id IN (
    SELECT decode(p.value, 'hex') FROM ledger_heads AS h
    CROSS JOIN jsonb_array_elements_text(:sid_ids::text::jsonb) AS p (value) WHERE h.tenant = :tenant
);

-- name: ids_of_prefix
-- Calls whose SIDs begin alike.
SELECT decode(p.value, 'hex') AS id FROM ledger_heads AS h
CROSS JOIN jsonb_array_elements_text(:sid_ids::text::jsonb) AS p (value) WHERE h.tenant = :tenant;
