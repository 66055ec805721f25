ALTER TABLE tenants ADD COLUMN removed_us BIGINT;
