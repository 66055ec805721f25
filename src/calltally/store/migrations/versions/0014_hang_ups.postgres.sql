-- Reasons of ends have new words, and bodies are read more completely. All calls are folded again.
INSERT INTO refolds (tenant, after_id) SELECT tenant, ''::bytea FROM ledger_heads WHERE revision > 0
ON CONFLICT (tenant) DO UPDATE SET after_id = excluded.after_id;

-- Their snapshots have records of the former fold: they are pinned again, and a page in between answers 410.
UPDATE holds SET revision = -1;
