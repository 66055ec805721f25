-- name: add_key!
INSERT INTO api_keys (tenant, key_id, digest, name, scopes, created_us, revoked_us)
VALUES (:tenant, :key_id, :digest, :name, :scopes, :now_us, NULL)

-- name: find_key
SELECT key_id, scopes, (SELECT t.masks_numbers FROM tenants AS t WHERE t.tenant = :tenant),
    (SELECT t.default_country FROM tenants AS t WHERE t.tenant = :tenant), name
FROM api_keys
WHERE tenant = :tenant AND digest = :digest AND revoked_us IS NULL

-- name: list_keys
SELECT key_id, name, scopes, created_us, revoked_us, last_used_us
FROM api_keys
WHERE tenant = :tenant
ORDER BY created_us, key_id

-- name: record_key_use!
UPDATE api_keys
SET last_used_us = :now_us
WHERE tenant = :tenant AND key_id = :key_id AND (last_used_us IS NULL OR last_used_us < :now_us)

-- name: revoke_key
-- A second revocation keeps the time of the first.
UPDATE api_keys
SET revoked_us = COALESCE(revoked_us, :now_us)
WHERE tenant = :tenant AND key_id = :key_id
RETURNING key_id
