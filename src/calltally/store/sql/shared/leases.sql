-- name: claim_lease
-- Claim a lease, if it is free or expired; returns the holder.
INSERT INTO leases (tenant, job, holder, until_us)
VALUES (:tenant, :job, :holder, :until_us)
ON CONFLICT (tenant, job) DO UPDATE SET holder = excluded.holder, until_us = excluded.until_us
WHERE leases.until_us <= :now_us OR leases.holder = :holder
RETURNING holder;

-- name: renew_lease
-- Renew a lease, unless another process claimed it since.
UPDATE leases SET until_us = :until_us
WHERE tenant = :tenant AND job = :job AND holder = :holder
RETURNING holder;

-- name: release_lease!
-- Release a lease, unless another process claimed it since.
DELETE FROM leases WHERE tenant = :tenant AND job = :job AND holder = :holder;

-- name: find_lease
-- Holder and time of expiry of a lease, expired or not.
SELECT holder, until_us FROM leases WHERE tenant = :tenant AND job = :job;
