-- name: disputed_records
-- Calls with contradicting facts: linear in the calls of the window; only the end of each record is read.
SELECT c.record FROM calls AS c INDEXED BY calls_listed
WHERE c.tenant = :tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
    AND instr(substr(c.record, -90), :undisputed) = 0;
