-- Counts of the calls of which a source reports the answerer, transfers or escalations. `calltally migrate` fills them.
ALTER TABLE quality ADD COLUMN answerer_known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN transfer_known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN known_transfers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN escalation_known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN handed_over INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN containable INTEGER NOT NULL DEFAULT 0;
-- 1 counts bridged transfers as escalations.
ALTER TABLE tenants ADD COLUMN bridged_is_escalation INTEGER NOT NULL DEFAULT 0;
