-- name: scan_total
-- How many calls a filter has for which there are no counters.
SELECT count(*) FROM calls AS c
WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters};

-- name: scan_records
-- A page of such a filter, a record a row: linear in the calls before and in it.
SELECT c.record FROM calls AS c
WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us {filters}
ORDER BY c.created_us {way}, c.id {way} LIMIT :most OFFSET :skip;

-- name: record_of_id
-- One call as the list shows it.
SELECT record FROM calls WHERE tenant = :tenant AND id = :id;
