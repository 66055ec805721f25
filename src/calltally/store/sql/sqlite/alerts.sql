-- name: admin_sids_of_tenants
-- SIDs with calls of several tenants in a window, and these tenants. Across tenants, for administrators only.
-- Tenant by tenant, so that each window is a range of an index; short SIDs are equal by chance.
SELECT s.call_sid, group_concat(s.tenant, ' ') FROM (
    SELECT c.call_sid, c.tenant FROM tenants AS t
    CROSS JOIN calls AS c INDEXED BY calls_listed
    WHERE c.tenant = t.tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
        AND length(c.call_sid) >= :least_chars
    UNION
    SELECT i.call_sid, i.tenant FROM tenants AS t
    CROSS JOIN calls AS c INDEXED BY calls_listed
    CROSS JOIN identities AS i INDEXED BY identities_of_call
    WHERE c.tenant = t.tenant AND c.created_us >= :lo_us AND c.created_us < :hi_us
        AND i.tenant = c.tenant AND i.id = c.id AND length(i.call_sid) >= :least_chars
) AS s
GROUP BY s.call_sid HAVING count(*) > 1
ORDER BY s.call_sid LIMIT :most;
