-- name: count_unlisted_field!
INSERT INTO unlisted_fields (tenant, provider, name, callbacks, first_us, last_us)
SELECT :tenant, :provider, :name, :callbacks, :now_us, :now_us
WHERE (SELECT count(*) FROM unlisted_fields WHERE tenant = :tenant AND provider = :provider) < :most
OR EXISTS (SELECT 1 FROM unlisted_fields WHERE tenant = :tenant AND provider = :provider AND name = :name)
ON CONFLICT (tenant, provider, name) DO UPDATE
SET callbacks = unlisted_fields.callbacks + excluded.callbacks, last_us = excluded.last_us;

-- name: unlisted_fields_of_tenant
SELECT provider, name, callbacks, first_us, last_us FROM unlisted_fields WHERE tenant = :tenant ORDER BY provider, name;
