-- 1 where whole telephone numbers are for keys with pii:read alone.
ALTER TABLE tenants ADD COLUMN masks_numbers smallint NOT NULL DEFAULT 0;
