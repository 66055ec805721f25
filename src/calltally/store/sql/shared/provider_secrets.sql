-- name: put_provider_secrets!
INSERT INTO provider_secrets (tenant, provider, sealed, updated_us)
VALUES (:tenant, :provider, :sealed, :now_us)
ON CONFLICT (tenant, provider) DO UPDATE
SET sealed = excluded.sealed, updated_us = excluded.updated_us

-- name: find_provider_secrets
SELECT sealed
FROM provider_secrets
WHERE tenant = :tenant AND provider = :provider

-- name: provider_secrets_of_tenant
SELECT provider, sealed FROM provider_secrets WHERE tenant = :tenant ORDER BY provider

-- name: list_provider_secrets
SELECT provider, updated_us FROM provider_secrets WHERE tenant = :tenant ORDER BY provider

-- name: remove_provider_secrets
DELETE FROM provider_secrets
WHERE tenant = :tenant AND provider = :provider
RETURNING provider

-- name: reseal_provider!
-- Same secret, encrypted with another key, unless it changed since it was read.
UPDATE provider_secrets SET sealed = :sealed
WHERE tenant = :tenant AND provider = :provider AND sealed = :sealed_before

-- name: sink_secrets_of_tenant
SELECT sink, sealed FROM alert_sinks WHERE tenant = :tenant ORDER BY sink

-- name: reseal_sink!
UPDATE alert_sinks SET sealed = :sealed WHERE tenant = :tenant AND sink = :sink AND sealed = :sealed_before

-- name: admin_newest_provider_secrets
SELECT tenant, provider, sealed FROM provider_secrets ORDER BY updated_us DESC LIMIT :most

-- name: admin_newest_endpoint_secrets
SELECT tenant, endpoint, sealed FROM webhook_endpoints
WHERE state <> 'deleted' ORDER BY updated_us DESC LIMIT :most

-- name: admin_newest_sink_secrets
SELECT tenant, sink, sealed FROM alert_sinks ORDER BY updated_us DESC LIMIT :most

-- name: record_receipt!
-- Time of the last authentic callback of a provider.
UPDATE provider_secrets SET received_us = :now_us
WHERE tenant = :tenant AND provider = :provider AND (received_us IS NULL OR received_us < :now_us)

-- name: receipts_of_providers
SELECT provider, received_us FROM provider_secrets WHERE tenant = :tenant ORDER BY provider
