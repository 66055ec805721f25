-- Counts of the calls of which a source reports the answerer, transfers or escalations. `calltally migrate` fills them.
ALTER TABLE quality ADD COLUMN answerer_known BIGINT NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN transfer_known BIGINT NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN known_transfers BIGINT NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN escalation_known BIGINT NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN handed_over BIGINT NOT NULL DEFAULT 0;
ALTER TABLE quality ADD COLUMN containable BIGINT NOT NULL DEFAULT 0;
-- 1 counts bridged transfers as escalations.
ALTER TABLE tenants ADD COLUMN bridged_is_escalation smallint NOT NULL DEFAULT 0;
