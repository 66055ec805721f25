-- A row of a table with a start and a talk and no end was dated by its start minus the talk. All calls are folded anew.
INSERT INTO refolds (tenant, after_id) SELECT tenant, ''::bytea FROM ledger_heads WHERE revision > 0
ON CONFLICT (tenant) DO UPDATE SET after_id = excluded.after_id;

-- What they pinned is no longer what the fold gives: they are pinned anew, and 410 in the midst of their pages.
UPDATE holds SET revision = -1;
