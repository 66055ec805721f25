-- name: disputed_records
-- Calls with contradicting facts: linear in the calls of the window; only the end of each record is read.
SELECT c.record FROM calls AS c
WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
    AND position(:undisputed::bytea IN substring(c.record FROM greatest(octet_length(c.record) - 89, 1))) = 0;
