-- name: add_tenant
INSERT INTO tenants (tenant, name, created_us)
VALUES (:tenant, :name, :now_us)
ON CONFLICT (tenant) DO NOTHING
RETURNING tenant

-- name: add_ledger_head!
INSERT INTO ledger_heads (tenant, revision, epoch)
VALUES (:tenant, 0, :epoch)

-- name: find_tenant
SELECT tenant, name, created_us
FROM tenants
WHERE tenant = :tenant

-- name: admin_list_tenants
SELECT tenant, name, created_us
FROM tenants
ORDER BY tenant
