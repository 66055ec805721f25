-- name: add_tenant
INSERT INTO tenants (tenant, name, created_us)
VALUES (:tenant, :name, :now_us)
ON CONFLICT (tenant) DO NOTHING
RETURNING tenant

-- name: add_ledger_head!
INSERT INTO ledger_heads (tenant, revision, epoch)
VALUES (:tenant, 0, :epoch)

-- name: find_tenant
SELECT tenant, name, created_us, retention_days, masks_numbers, bridged_is_escalation, default_country
FROM tenants
WHERE tenant = :tenant AND removed_us IS NULL

-- name: admin_list_tenants
SELECT tenant, name, created_us, retention_days, masks_numbers, bridged_is_escalation, default_country
FROM tenants
WHERE removed_us IS NULL
ORDER BY tenant

-- name: set_retention!
-- Days for which a tenant's calls are kept; NULL for ever.
UPDATE tenants
SET retention_days = :days
WHERE tenant = :tenant

-- name: set_masking!
-- 1 masks telephone numbers for keys without pii:read.
UPDATE tenants
SET masks_numbers = :masks
WHERE tenant = :tenant

-- name: set_bridged_is_escalation!
-- 1 counts bridged transfers as escalations in the quality.
UPDATE tenants
SET bridged_is_escalation = :counts
WHERE tenant = :tenant

-- name: set_default_country!
-- Country whose national numbers a search reads; NULL for none.
UPDATE tenants
SET default_country = :country
WHERE tenant = :tenant
