-- name: put_provider_secrets!
INSERT INTO provider_secrets (tenant, provider, sealed, updated_us)
VALUES (:tenant, :provider, :sealed, :now_us)
ON CONFLICT (tenant, provider) DO UPDATE
SET sealed = excluded.sealed, updated_us = excluded.updated_us

-- name: find_provider_secrets
SELECT sealed
FROM provider_secrets
WHERE tenant = :tenant AND provider = :provider
