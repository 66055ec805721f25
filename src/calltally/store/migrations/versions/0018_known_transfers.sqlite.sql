-- Alerts count transfers only of calls with a source that reports them. `calltally migrate` counts all steps again, and
-- detectors learn them again.
ALTER TABLE alert_steps ADD COLUMN transfer_known INTEGER NOT NULL DEFAULT 0;
UPDATE alert_states SET judged_us = 0, state = NULL;

-- Bodies of own events, of mappings and of files of switches are read again too. All calls are folded again.
INSERT INTO refolds (tenant, after_id) SELECT tenant, x'' FROM ledger_heads WHERE revision > 0
ON CONFLICT (tenant) DO UPDATE SET after_id = excluded.after_id;

-- Their snapshots have records of the former fold: they are pinned again, and a page in between answers 410.
UPDATE holds SET revision = -1;
