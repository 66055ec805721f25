-- name: alert_steps_between
-- The steps of a window, by what they are of.
SELECT step_s, route, provider, provider_account, agent, {columns} FROM alert_steps
WHERE tenant = :tenant AND step_s >= :lo_s AND step_s < :hi_s;

-- name: alert_step_sums
-- What the rows of each step of a window add up to.
SELECT step_s, count(*), {summed} FROM alert_steps
WHERE tenant = :tenant AND step_s >= :lo_s AND step_s < :hi_s GROUP BY step_s;

-- name: records_created_after
-- Sealed records in the order of their creation, from behind a call or an instant, for a count of their steps.
SELECT created_us, id, record FROM calls
WHERE tenant = :tenant AND (created_us, id) > (:after_us, :after_id) AND created_us < :hi_us
ORDER BY created_us, id LIMIT :most;

-- name: first_and_last_step
-- Between which instants a tenant has steps.
SELECT
    (SELECT step_s FROM alert_steps WHERE tenant = :tenant ORDER BY step_s LIMIT 1),
    (SELECT step_s FROM alert_steps WHERE tenant = :tenant ORDER BY step_s DESC LIMIT 1);

-- name: windows_of_steps
-- In which windows of a width a tenant has steps.
SELECT DISTINCT step_s - (step_s % :width_s + :width_s) % :width_s FROM alert_steps WHERE tenant = :tenant;

-- name: steps_head
-- From when on steps are kept, and how often they were put right.
SELECT steps_from_s, repairs FROM alert_states WHERE tenant = :tenant;

-- name: count_step_repair
-- Be the next to put steps right, unless somebody was since they were looked at.
INSERT INTO alert_states (tenant, repairs)
VALUES (:tenant, 1)
ON CONFLICT (tenant) DO UPDATE SET repairs = alert_states.repairs + 1
WHERE alert_states.repairs = :repairs
RETURNING repairs;

-- name: keep_steps_from!
-- From when on steps are kept: never back.
INSERT INTO alert_states (tenant, steps_from_s)
VALUES (:tenant, :from_s)
ON CONFLICT (tenant) DO UPDATE SET steps_from_s = excluded.steps_from_s
WHERE alert_states.steps_from_s < excluded.steps_from_s;

-- name: old_steps
-- The oldest steps that are not kept any more.
SELECT step_s FROM alert_steps
WHERE tenant = :tenant AND step_s < :from_s
ORDER BY step_s LIMIT :most;

-- name: prune_steps!
DELETE FROM alert_steps WHERE tenant = :tenant AND step_s >= :lowest AND step_s <= :highest;
