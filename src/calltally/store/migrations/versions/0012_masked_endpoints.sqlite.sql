-- 0 where whoever set the endpoint may not see whole numbers: it is sent them masked, where its tenant masks them.
-- An endpoint from before is sent what it was sent.
ALTER TABLE webhook_endpoints ADD COLUMN sees_numbers INTEGER NOT NULL DEFAULT 1;
