-- name: set_epoch
-- New epoch of a ledger: tokens of the old epoch belong to another ledger from now on.
UPDATE ledger_heads
SET epoch = :epoch
WHERE tenant = :tenant
RETURNING revision

-- name: end_holds
-- Holds of the old epoch get a revision before all kept ones. A client in the middle of their pages
-- then gets an error; a deleted hold would be pinned again.
UPDATE holds
SET revision = -1
WHERE tenant = :tenant AND revision >= 0
RETURNING name

-- name: admin_ledger_heads
-- Epoch and last revision of every tenant's ledger.
SELECT tenant, epoch, revision FROM ledger_heads ORDER BY tenant;
