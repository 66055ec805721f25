-- name: drop_old_answer!
-- Answer of one name, if it is old.
DELETE FROM kept_answers WHERE tenant = :tenant AND name = :name AND created_us < :before_us;

-- name: old_answers
-- One row if a tenant has old answers.
SELECT 1 FROM kept_answers WHERE tenant = :tenant AND created_us < :before_us LIMIT 1;

-- name: prune_answers
-- Old answers of a tenant, whichever name they have.
DELETE FROM kept_answers
WHERE tenant = :tenant AND name IN (
    SELECT a.name FROM kept_answers AS a
    WHERE a.tenant = :tenant AND a.created_us < :before_us ORDER BY a.name LIMIT :most
)
RETURNING name;

-- name: claim_answer
INSERT INTO kept_answers (tenant, name, created_us) VALUES (:tenant, :name, :now_us)
ON CONFLICT (tenant, name) DO NOTHING RETURNING created_us;

-- name: find_answer
SELECT digest, answer FROM kept_answers WHERE tenant = :tenant AND name = :name;

-- name: keep_answer!
UPDATE kept_answers SET digest = :digest, answer = :answer WHERE tenant = :tenant AND name = :name;

-- name: release_answer!
DELETE FROM kept_answers WHERE tenant = :tenant AND name = :name;
