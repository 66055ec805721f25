-- name: alert_steps_between
-- Steps of a window by their keys.
SELECT step_s, route, provider, provider_account, agent, {columns} FROM alert_steps
WHERE tenant = :tenant AND step_s >= :lo_s AND step_s < :hi_s;

-- name: alert_step_sums
-- Sums of each step of a window.
SELECT step_s, count(*), {summed} FROM alert_steps
WHERE tenant = :tenant AND step_s >= :lo_s AND step_s < :hi_s GROUP BY step_s;

-- name: records_created_after
-- Finished records and measures in the order of creation after a call or an instant, to count their steps.
SELECT created_us, id, record, measured FROM calls
WHERE tenant = :tenant AND (created_us, id) > (:after_us, :after_id) AND created_us < :hi_us
ORDER BY created_us, id LIMIT :most;

-- name: first_and_last_step
-- First and last step of a tenant.
SELECT
    (SELECT step_s FROM alert_steps WHERE tenant = :tenant ORDER BY step_s LIMIT 1),
    (SELECT step_s FROM alert_steps WHERE tenant = :tenant ORDER BY step_s DESC LIMIT 1);

-- name: windows_of_steps
-- Windows of a width with steps.
SELECT DISTINCT step_s - (step_s % :width_s + :width_s) % :width_s FROM alert_steps WHERE tenant = :tenant;

-- name: steps_head
-- Begin of the kept steps, and the number of repairs.
SELECT steps_from_s, repairs FROM alert_states WHERE tenant = :tenant;

-- name: count_step_repair
-- Claim the next repair of steps, unless another repair came after they were read.
INSERT INTO alert_states (tenant, repairs)
VALUES (:tenant, 1)
ON CONFLICT (tenant) DO UPDATE SET repairs = alert_states.repairs + 1
WHERE alert_states.repairs = :repairs
RETURNING repairs;

-- name: keep_steps_from!
-- Begin of the kept steps; it never moves back.
INSERT INTO alert_states (tenant, steps_from_s)
VALUES (:tenant, :from_s)
ON CONFLICT (tenant) DO UPDATE SET steps_from_s = excluded.steps_from_s
WHERE alert_states.steps_from_s < excluded.steps_from_s;

-- name: old_steps
-- Oldest steps that are no longer kept.
SELECT step_s FROM alert_steps
WHERE tenant = :tenant AND step_s < :from_s
ORDER BY step_s LIMIT :most;

-- name: prune_steps!
DELETE FROM alert_steps WHERE tenant = :tenant AND step_s >= :lowest AND step_s <= :highest;
