-- name: admin_sids_of_tenants
-- SIDs with calls of several tenants in a window, and these tenants. Across tenants, for administrators only.
-- Tenant by tenant, so that each window is a range of an index; short SIDs are equal by chance.
SELECT s.call_sid, string_agg(s.tenant, ' ') FROM (
    SELECT c.call_sid, c.tenant FROM tenants AS t
    JOIN calls AS c ON c.tenant = t.tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
    WHERE length(c.call_sid) >= :least_chars
    UNION
    SELECT i.call_sid, i.tenant FROM tenants AS t
    JOIN calls AS c ON c.tenant = t.tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
    JOIN identities AS i ON i.tenant = c.tenant AND i.id = c.id
    WHERE length(i.call_sid) >= :least_chars
) AS s
GROUP BY s.call_sid HAVING count(*) > 1
ORDER BY s.call_sid LIMIT :most;
