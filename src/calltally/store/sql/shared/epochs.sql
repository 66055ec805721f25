-- name: set_epoch
-- A new name for a ledger: tokens of the former one are of another ledger from now on.
UPDATE ledger_heads
SET epoch = :epoch
WHERE tenant = :tenant
RETURNING revision

-- name: end_holds
-- Snapshots that were pinned in the former epoch are before all that is kept; so whoever is in the middle of
-- their pages is told, where a row that is gone would be pinned anew.
UPDATE holds
SET revision = -1
WHERE tenant = :tenant AND revision >= 0
RETURNING name
