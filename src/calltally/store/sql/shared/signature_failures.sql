-- name: count_signature_failures!
INSERT INTO signature_failures (tenant, provider, step_s, failures)
VALUES (:tenant, :provider, :step_s, :failures)
ON CONFLICT (tenant, provider, step_s) DO UPDATE SET failures = signature_failures.failures + excluded.failures;

-- name: signature_failures_since
SELECT provider, sum(failures), min(step_s) FROM signature_failures
WHERE tenant = :tenant AND step_s >= :from_s GROUP BY provider ORDER BY provider;

-- name: drop_signature_failures!
DELETE FROM signature_failures WHERE tenant = :tenant AND step_s < :before_s;
