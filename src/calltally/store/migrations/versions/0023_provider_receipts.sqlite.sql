ALTER TABLE provider_secrets ADD COLUMN received_us INTEGER;
