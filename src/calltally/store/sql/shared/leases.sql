-- name: claim_lease
-- Take a job for a while, if nobody has it or its time is up; answers whoever took it.
INSERT INTO leases (tenant, job, holder, until_us)
VALUES (:tenant, :job, :holder, :until_us)
ON CONFLICT (tenant, job) DO UPDATE SET holder = excluded.holder, until_us = excluded.until_us
WHERE leases.until_us <= :now_us OR leases.holder = :holder
RETURNING holder;

-- name: renew_lease
-- Keep a job for longer, if nobody took it since.
UPDATE leases SET until_us = :until_us
WHERE tenant = :tenant AND job = :job AND holder = :holder
RETURNING holder;

-- name: release_lease!
-- Leave a job to whoever wants it, unless somebody took it since.
DELETE FROM leases WHERE tenant = :tenant AND job = :job AND holder = :holder;
