-- name: drop_old_answers!
DELETE FROM kept_answers WHERE tenant = :tenant AND created_us < :before_us;

-- name: claim_answer
INSERT INTO kept_answers (tenant, name, created_us) VALUES (:tenant, :name, :now_us)
ON CONFLICT (tenant, name) DO NOTHING RETURNING created_us;

-- name: find_answer
SELECT digest, answer FROM kept_answers WHERE tenant = :tenant AND name = :name;

-- name: keep_answer!
UPDATE kept_answers SET digest = :digest, answer = :answer WHERE tenant = :tenant AND name = :name;

-- name: release_answer!
DELETE FROM kept_answers WHERE tenant = :tenant AND name = :name;
