-- name: count_buckets
-- Calls of the filter and of the facet, per bucket of a span.
SELECT bucket_s * 1000000, (bucket_s + width_s) * 1000000, width_s, {matches}, calls, revision FROM counts
WHERE tenant = :tenant AND facet = :facet AND width_s = :width_s AND bucket_s >= :lo_s AND bucket_s < :hi_s
    AND {matches} > 0;

-- name: count_edges
-- Calls of the filter in a part of a minute, which has no counter.
SELECT :lo_us, :hi_us, 0, count(*), count(*), 0 FROM calls AS c INDEXED BY calls_listed
WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {column} = :value {filters}
HAVING count(*) > 0;

-- name: page_records
-- Joined records of one run of buckets: a page of 1,000 costs two thirds of fetching its rows.
-- The page is found in the index alone; a plain OFFSET would read each skipped row, at ten times the cost.
-- A limited subquery keeps its order, and CROSS JOIN the order of its sides: a second ORDER BY would cost an eighth.
SELECT :run_index, CAST(group_concat(j.record, :separator) AS BLOB), max(j.revision) FROM (
    SELECT r.record AS record, r.revision AS revision
    FROM (
        SELECT c.rowid AS call_rowid FROM calls AS c INDEXED BY calls_listed
        WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {column} = :value {filters}
        ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :most OFFSET :skip
    ) AS p
    CROSS JOIN calls AS r ON r.rowid = p.call_rowid
) AS j;

-- name: timeline_of_nodes
-- Stored facts of a call.
SELECT received_us, outcome, reason, repeats, content, raw FROM facts WHERE tenant = :tenant AND node = :node;

-- name: number_total
-- Number of calls with a number at either end, by the index of each end.
SELECT count(*) FROM (
    SELECT c.id FROM calls AS c INDEXED BY {from_index}
    WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    UNION ALL
    SELECT c.id FROM calls AS c INDEXED BY {to_index}
    WHERE c.tenant = :tenant AND {of_to} AND c.created_us >= :lo_us AND c.created_us < :hi_us
        AND {only_to} {filters}
) AS n;

-- name: number_records
-- Page of calls with a number at either end: each end from its own index, merged; rows are skipped in the indexes.
SELECT r.record FROM (
    SELECT c.rowid AS call_rowid, c.created_us, c.id FROM calls AS c INDEXED BY {from_index}
    WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    UNION ALL
    SELECT c.rowid, c.created_us, c.id FROM calls AS c INDEXED BY {to_index}
    WHERE c.tenant = :tenant AND {of_to} AND c.created_us >= :lo_us AND c.created_us < :hi_us
        AND {only_to} {filters}
    ORDER BY created_us {sort_order}, id {sort_order} LIMIT :most OFFSET :skip
) AS n
CROSS JOIN calls AS r ON r.rowid = n.call_rowid
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: count_buckets_as_of
-- Calls per bucket of a span as of a revision: current counters of an unchanged bucket, else from the history.
-- The predecessor of a row ends at the row's first revision; the first milestone after the revision shortens the search.
WITH RECURSIVE past (bucket_s, ended, revision, matched, held) AS (
    SELECT t.bucket_s, coalesce((
        SELECT min(m.valid_to) FROM count_history AS m
        WHERE m.tenant = :tenant AND m.facet = :facet AND m.width_s = :width_s AND m.bucket_s = t.bucket_s
            AND m.valid_to > :as_of AND m.changes % 64 = 0
    ), t.revision), :as_of + 1, 0, 0
    FROM counts AS t
    WHERE t.tenant = :tenant AND t.facet = :facet AND t.width_s = :width_s
        AND t.bucket_s >= :lo_s AND t.bucket_s < :hi_s AND t.revision > :as_of
    UNION ALL
    SELECT h.bucket_s, h.revision, h.revision, {matches}, calls
    FROM past AS p
    CROSS JOIN count_history AS h ON h.tenant = :tenant AND h.valid_to = p.ended AND h.facet = :facet
        AND h.width_s = :width_s AND h.bucket_s = p.bucket_s
    WHERE p.revision > :as_of
)
SELECT bucket_s * 1000000, (bucket_s + width_s) * 1000000, width_s, {matches}, calls, 0 FROM counts
WHERE tenant = :tenant AND facet = :facet AND width_s = :width_s AND bucket_s >= :lo_s AND bucket_s < :hi_s
    AND revision <= :as_of AND {matches} > 0
UNION ALL
SELECT p.bucket_s * 1000000, (p.bucket_s + :width_s) * 1000000, :width_s, p.matched, p.held, 1 FROM past AS p
WHERE p.revision <= :as_of AND p.matched > 0;

-- name: count_edges_as_of
-- Calls of the filter in a part of a minute as of a revision.
SELECT :lo_us, :hi_us, 0, count(*), count(*), 1 FROM (
    SELECT 1 FROM calls AS c INDEXED BY calls_listed
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {column} = :value {filters}
        AND c.revision <= :as_of
    UNION ALL
    SELECT 1 FROM call_versions AS c
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {column} = :value {filters}
        AND c.valid_from <= :as_of AND c.valid_to > :as_of
) AS n HAVING count(*) > 0;

-- name: page_rows_as_of
-- Calls of one run of buckets as of a revision: unchanged calls with their records, others from their versions.
SELECT :run_index, n.id, n.created_us, n.revision, n.updated_us, n.record FROM (
    SELECT c.created_us, c.id, c.revision, c.updated_us, c.record FROM calls AS c INDEXED BY calls_listed
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {column} = :value {filters}
        AND c.revision <= :as_of
    UNION ALL
    SELECT c.created_us, c.id, c.valid_from, c.updated_us, NULL FROM call_versions AS c
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {column} = :value {filters}
        AND c.valid_from <= :as_of AND c.valid_to > :as_of
    ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :most OFFSET :skip
) AS n
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: changed_total
-- Number of calls of a filter that changed since a revision.
SELECT count(*) FROM calls AS c INDEXED BY calls_revised
WHERE c.tenant = :tenant AND c.revision > :as_of AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters};

-- name: superseded_total
-- Number of calls that matched a filter as of a revision and changed since: linear in the changes since.
SELECT count(*) FROM call_versions AS c INDEXED BY call_versions_ended
WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
    AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters};

-- name: scan_total
-- Number of calls of a filter without counters.
SELECT count(*) FROM calls AS c {by_index}
WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {among} {filters};

-- name: scan_records
-- Page of a filter without counters, one record per row: linear in the calls before and in it, or in the calls of the index
-- if its order is another one. Rows are skipped and sorted without their records.
SELECT r.record FROM (
    SELECT c.rowid AS call_rowid, c.created_us, c.id FROM calls AS c {by_index}
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {among} {filters}
    ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :most OFFSET :skip
) AS n
CROSS JOIN calls AS r ON r.rowid = n.call_rowid
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: scan_rows_as_of
-- Page of a filter without counters, as of a revision.
SELECT 0, n.id, n.created_us, n.revision, n.updated_us, r.record FROM (
    SELECT c.created_us, c.id, c.revision, c.updated_us, 1 AS is_current FROM calls AS c {by_index}
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {among} {filters}
        AND c.revision <= :as_of
    UNION ALL
    SELECT c.created_us, c.id, c.valid_from, c.updated_us, 0 FROM call_versions AS c INDEXED BY call_versions_ended
    WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
        AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {of_version} {filters}
    ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :most OFFSET :skip
) AS n
LEFT JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id AND n.is_current = 1
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: number_rows_as_of
-- Page of calls with a number at either end, as of a revision.
SELECT 0, n.id, n.created_us, n.revision, n.updated_us, r.record FROM (
    SELECT c.created_us, c.id, c.revision, c.updated_us, 1 AS is_current FROM calls AS c INDEXED BY {from_index}
    WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
        AND c.revision <= :as_of
    UNION ALL
    SELECT c.created_us, c.id, c.revision, c.updated_us, 1 FROM calls AS c INDEXED BY {to_index}
    WHERE c.tenant = :tenant AND {of_to} AND {only_to}
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters} AND c.revision <= :as_of
    UNION ALL
    SELECT c.created_us, c.id, c.valid_from, c.updated_us, 0 FROM call_versions AS c INDEXED BY call_versions_ended
    WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
        AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {of_version}
        {filters}
    ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :most OFFSET :skip
) AS n
LEFT JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id AND n.is_current = 1
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: inspect_records
-- Page of matching calls among the first `inspected` calls of a window, in the requested order; each call is checked.
-- A limited subquery keeps its order, as in page_records.
SELECT r.record FROM (
    SELECT c.call_rowid, c.created_us, c.id FROM (
        SELECT c.rowid AS call_rowid, c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
        FROM calls AS c INDEXED BY calls_listed
        WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
        ORDER BY c.created_us {sort_order}, c.id {sort_order} LIMIT :inspected
    ) AS c
    WHERE TRUE {filters} LIMIT :most OFFSET :skip
) AS n
CROSS JOIN calls AS r ON r.rowid = n.call_rowid
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: inspect_rows_as_of
-- The same as of a revision.
SELECT 0, n.id, n.created_us, n.revision, n.updated_us, r.record FROM (
    SELECT c.id, c.created_us, c.revision, c.updated_us, c.is_current FROM (
        SELECT c.created_us, c.id, c.revision, c.updated_us, 1 AS is_current,
            c.status, c.direction, c.route, c.agent, c.provider, c.escalated
        FROM calls AS c INDEXED BY calls_listed
        WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND c.revision <= :as_of
        UNION ALL
        SELECT c.created_us, c.id, c.valid_from, c.updated_us, 0,
            c.status, c.direction, c.route, c.agent, c.provider, c.escalated
        FROM call_versions AS c INDEXED BY call_versions_ended
        WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
            AND c.created_us >= :lo_us AND c.created_us < :hi_us
        ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :inspected
    ) AS c
    WHERE TRUE {filters} LIMIT :most OFFSET :skip
) AS n
LEFT JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id AND n.is_current = 1
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: newest_total
-- Number of the newest `inspected` calls of a window, and how many of them match a filter.
SELECT count(*), count(CASE WHEN TRUE {filters} THEN 1 END) FROM (
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM calls AS c INDEXED BY calls_listed
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
    ORDER BY c.created_us DESC, c.id DESC LIMIT :inspected
) AS c;

-- name: newest_total_as_of
-- The same as of a revision.
SELECT count(*), count(CASE WHEN TRUE {filters} THEN 1 END) FROM (
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM calls AS c INDEXED BY calls_listed
    WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us AND c.revision <= :as_of
    UNION ALL
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM call_versions AS c INDEXED BY call_versions_ended
    WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
        AND c.created_us >= :lo_us AND c.created_us < :hi_us
    ORDER BY 1 DESC, 2 DESC LIMIT :inspected
) AS c;

-- name: number_newest_total
-- Number of calls with a number at either end, up to `inspected` of them, and how many of these match a filter.
-- Of any of them: to sort by time would read all.
SELECT count(*), count(CASE WHEN TRUE {filters} THEN 1 END) FROM (
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM calls AS c INDEXED BY {from_index}
    WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us
    UNION ALL
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM calls AS c INDEXED BY {to_index}
    WHERE c.tenant = :tenant AND {of_to} AND c.created_us >= :lo_us AND c.created_us < :hi_us
        AND {only_to}
    LIMIT :inspected
) AS c;

-- name: number_newest_total_as_of
-- The same as of a revision.
SELECT count(*), count(CASE WHEN TRUE {filters} THEN 1 END) FROM (
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM calls AS c INDEXED BY {from_index}
    WHERE c.tenant = :tenant AND {of_from} AND c.created_us >= :lo_us AND c.created_us < :hi_us
        AND c.revision <= :as_of
    UNION ALL
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM calls AS c INDEXED BY {to_index}
    WHERE c.tenant = :tenant AND {of_to} AND {only_to}
        AND c.created_us >= :lo_us AND c.created_us < :hi_us AND c.revision <= :as_of
    UNION ALL
    SELECT c.created_us, c.id, c.status, c.direction, c.route, c.agent, c.provider, c.escalated
    FROM call_versions AS c INDEXED BY call_versions_ended
    WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
        AND c.created_us >= :lo_us AND c.created_us < :hi_us AND {of_version}
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
    SELECT c.created_us, c.id, c.valid_from, c.updated_us, 0 FROM call_versions AS c INDEXED BY call_versions_ended
    WHERE c.tenant = :tenant AND c.valid_to > :as_of AND c.valid_from <= :as_of
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters} AND {among_ids}
    ORDER BY 1 {sort_order}, 2 {sort_order} LIMIT :most OFFSET :skip
) AS n
LEFT JOIN calls AS r ON r.tenant = :tenant AND r.id = n.id AND n.is_current = 1
ORDER BY n.created_us {sort_order}, n.id {sort_order};

-- name: ids_of_words
-- Calls with all of some words, as of a revision.
SELECT d.id FROM call_words CROSS JOIN call_texts AS d ON d.document = call_words.rowid
WHERE call_words MATCH :fts5 AND d.tenant = :tenant AND d.valid_from <= :as_of
    AND (d.valid_to IS NULL OR d.valid_to > :as_of);

-- name: has_words
-- True if a call has all of some words as of a revision, by its own text: a tenth of the cost of the index.
-- Words are separated by spaces; each word of the search has several alternatives, one per source.
EXISTS (
    SELECT 1 FROM call_texts AS d
    WHERE d.tenant = :tenant AND d.id = c.id AND d.valid_from <= :as_of AND (d.valid_to IS NULL OR d.valid_to > :as_of)
        AND NOT EXISTS (
            SELECT 1 FROM json_each(:probes) AS a WHERE NOT EXISTS (
                SELECT 1 FROM json_each(a.value) AS b WHERE instr(' ' || d.words || ' ', b.value) > 0
            )
        )
);

-- name: from_is$
-- True if a call has a number as its caller.
(c.tenant = :tenant AND c.from_number = :whole AND c.from_reversed = :reversed);

-- name: to_is$
-- The same of the called number.
(c.tenant = :tenant AND c.to_number = :whole AND c.to_reversed = :reversed);

-- name: caller_is$
-- True if a call has the number of the filter by caller.
(c.tenant = :tenant AND c.from_number = :from_number AND c.from_reversed = :from_reversed);

-- name: called_is$
-- True if a call has the number of the filter by called number.
(c.tenant = :tenant AND c.to_number = :to_number AND c.to_reversed = :to_reversed);

-- name: from_listed$
-- True if the caller's number is one of those that end with the digits of a search.
(
    c.tenant = :tenant AND c.from_number IS NOT NULL
    AND (c.from_reversed, c.from_number) IN (SELECT n.value ->> 0, n.value ->> 1 FROM json_each(:callers) AS n)
);

-- name: to_listed$
-- The same of the called number.
(
    c.tenant = :tenant AND c.to_number IS NOT NULL
    AND (c.to_reversed, c.to_number) IN (SELECT n.value ->> 0, n.value ->> 1 FROM json_each(:called) AS n)
);

-- name: from_unlisted$
-- True if the caller's number is none of them.
(
    c.tenant = :tenant
    AND coalesce(c.from_number, '') NOT IN (SELECT n.value ->> 1 FROM json_each(:callers) AS n)
);

-- name: each_caller$
-- Callers whose digits end with those of a search.
(
    SELECT n.value ->> 0 AS reversed, n.value ->> 1 AS number FROM ledger_heads AS h CROSS JOIN json_each(:callers) AS n
    WHERE h.tenant = :tenant
) AS k;

-- name: each_called$
-- The same of the called numbers.
(
    SELECT n.value ->> 0 AS reversed, n.value ->> 1 AS number FROM ledger_heads AS h CROSS JOIN json_each(:called) AS n
    WHERE h.tenant = :tenant
) AS k;

-- name: callers_of_ending
-- Different callers whose digits end alike: one search of the index per number, however many calls it has.
-- The plus signs let the index compare all columns: a column of another table would bring its own affinity. The last instant is
-- after all calls of a number: SQLite begins such a comparison at the first entry that is not less.
WITH RECURSIVE found (reversed, number) AS (
    VALUES (:ending, '')
    UNION ALL
    SELECT c.from_reversed, c.from_number FROM found AS p CROSS JOIN calls AS c INDEXED BY calls_from
    WHERE c.tenant = :tenant AND c.from_number IS NOT NULL AND (c.from_reversed, c.from_number, c.created_us, c.id) = (
        SELECT o.from_reversed, o.from_number, o.created_us, o.id FROM calls AS o INDEXED BY calls_from
        WHERE o.tenant = :tenant AND o.from_number IS NOT NULL
            AND (o.from_reversed, o.from_number, o.created_us) > (+p.reversed, +p.number, 9223372036854775807)
            AND o.from_reversed < :ending_end
        ORDER BY o.from_reversed, o.from_number LIMIT 1
    )
)
SELECT number FROM found WHERE number <> '' LIMIT :most;

-- name: called_of_ending
-- The same of the called numbers.
WITH RECURSIVE found (reversed, number) AS (
    VALUES (:ending, '')
    UNION ALL
    SELECT c.to_reversed, c.to_number FROM found AS p CROSS JOIN calls AS c INDEXED BY calls_to
    WHERE c.tenant = :tenant AND c.to_number IS NOT NULL AND (c.to_reversed, c.to_number, c.created_us, c.id) = (
        SELECT o.to_reversed, o.to_number, o.created_us, o.id FROM calls AS o INDEXED BY calls_to
        WHERE o.tenant = :tenant AND o.to_number IS NOT NULL
            AND (o.to_reversed, o.to_number, o.created_us) > (+p.reversed, +p.number, 9223372036854775807)
            AND o.to_reversed < :ending_end
        ORDER BY o.to_reversed, o.to_number LIMIT 1
    )
)
SELECT number FROM found WHERE number <> '' LIMIT :most;

-- name: callers_reach
-- Time up to which a page over several callers has to be read: beyond it, one of them alone fills the page.
SELECT {edge}((
    SELECT c.created_us FROM calls AS c INDEXED BY calls_from
    WHERE c.tenant = :tenant AND c.from_reversed = k.reversed AND c.from_number = k.number
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    ORDER BY c.created_us {sort_order} LIMIT 1 OFFSET :skip + :most - 1
)) FROM {each_caller};

-- name: called_reach
-- The same over several called numbers.
SELECT {edge}((
    SELECT c.created_us FROM calls AS c INDEXED BY calls_to
    WHERE c.tenant = :tenant AND c.to_reversed = k.reversed AND c.to_number = k.number
        AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
    ORDER BY c.created_us {sort_order} LIMIT 1 OFFSET :skip + :most - 1
)) FROM {each_called};

-- name: from_ends$
-- True if the caller's number ends with the digits of a search, without or with their country code.
(
    c.tenant = :tenant AND (
        substr(c.from_digits, -length(:number)) = :number
        OR substr(c.from_digits, -length(:international)) = :international
    )
);

-- name: to_ends$
-- The same of the called number.
(
    c.tenant = :tenant AND (
        substr(c.to_digits, -length(:number)) = :number
        OR substr(c.to_digits, -length(:international)) = :international
    )
);

-- name: from_ending_is$
-- True if the caller's number has the last four digits of a search: the key of its index.
(c.tenant = :tenant AND c.from_ending = :ending);

-- name: to_ending_is$
-- The same of the called number.
(c.tenant = :tenant AND c.to_ending = :ending);

-- name: caller_ends$
-- True if the caller's number ends with the digits of the filter by caller, without or with their country code.
(
    c.tenant = :tenant AND (
        substr(c.from_digits, -length(:from_number)) = :from_number
        OR substr(c.from_digits, -length(:from_international)) = :from_international
    )
);

-- name: called_ends$
-- The same of the filter by called number.
(
    c.tenant = :tenant AND (
        substr(c.to_digits, -length(:to_number)) = :to_number
        OR substr(c.to_digits, -length(:to_international)) = :to_international
    )
);

-- name: caller_ending_is$
-- True if the caller's number has the last four digits of the filter: the key of its index.
(c.tenant = :tenant AND c.from_ending = :from_ending);

-- name: called_ending_is$
-- The same of the called number.
(c.tenant = :tenant AND c.to_ending = :to_ending);

-- name: id_in_prefix
-- True if a call is one of those whose SIDs begin alike.
c.id IN (
    SELECT unhex(p.value) FROM ledger_heads AS h CROSS JOIN json_each(:sid_ids) AS p WHERE h.tenant = :tenant
);

-- name: ids_of_prefix
-- Calls whose SIDs begin alike.
SELECT unhex(p.value) AS id FROM ledger_heads AS h CROSS JOIN json_each(:sid_ids) AS p WHERE h.tenant = :tenant;
