-- name: admin_count_waiting
-- Deliveries that wait for an attempt, up to a number.
SELECT count(*) FROM (SELECT 1 AS one FROM deliveries WHERE state = 'waiting' LIMIT :most) AS counted;

-- name: admin_count_dead
-- Deliveries that were given up, up to a number.
SELECT count(*) FROM (SELECT 1 AS one FROM deliveries WHERE state = 'dead' LIMIT :most) AS counted;

-- name: admin_earliest_delivery
-- Time of the earliest delivery of any tenant. A tenant without deliveries has 0 until its first.
SELECT min(due_us) FROM delivery_heads WHERE due_us > 0;

-- name: admin_open_jobs
-- Jobs that have not ended, and the creation of the oldest.
SELECT kind, state, count(*), min(created_us) FROM jobs WHERE state IN ('queued', 'running') GROUP BY kind, state;

-- name: admin_count_notifications
SELECT count(*) FROM alert_notices;

-- name: admin_count_waiting_letters
-- Dead letters that wait for a replay, up to a number.
SELECT count(*) FROM (SELECT 1 AS one FROM dead_letters WHERE replayed_us IS NULL LIMIT :most) AS counted;

-- name: admin_leases
-- Number of leases, number of expired ones, and the earliest expiry.
SELECT count(*), count(CASE WHEN until_us <= :now_us THEN 1 END), min(until_us) FROM leases;
