-- name: unresolved_alerts
-- Open and acknowledged alerts.
SELECT alert, cause, kind, route, provider, state, since_us, opened_us, updated_us, resolved_us, muted_until_us, is_told, changes, content
FROM alerts WHERE tenant = :tenant AND state <> 'resolved' ORDER BY opened_us, alert;

-- name: alert_of_id
SELECT alert, cause, kind, route, provider, state, since_us, opened_us, updated_us, resolved_us, muted_until_us, is_told, changes, content
FROM alerts WHERE tenant = :tenant AND alert = :alert;

-- name: last_alert_of_cause
-- Newest alert of a cause in any state.
SELECT alert, cause, kind, route, provider, state, since_us, opened_us, updated_us, resolved_us, muted_until_us, is_told, changes, content
FROM alerts WHERE tenant = :tenant AND cause = :cause ORDER BY opened_us DESC, alert DESC LIMIT 1;

-- name: list_alerts
-- Alerts of a filter, newest first.
SELECT alert, cause, kind, route, provider, state, since_us, opened_us, updated_us, resolved_us, muted_until_us, is_told, changes, content
FROM alerts
WHERE
    tenant = :tenant AND opened_us >= :lo_us AND opened_us < :hi_us
    AND (:any_kind OR kind = :kind) AND (:any_route OR route = :route) AND (:any_provider OR provider = :provider)
    AND (:any_state OR state = :state OR (:unresolved AND state <> 'resolved'))
ORDER BY opened_us DESC, alert DESC LIMIT :most OFFSET :skip;

-- name: count_alerts
SELECT count(*) FROM alerts
WHERE
    tenant = :tenant AND opened_us >= :lo_us AND opened_us < :hi_us
    AND (:any_kind OR kind = :kind) AND (:any_route OR route = :route) AND (:any_provider OR provider = :provider)
    AND (:any_state OR state = :state OR (:unresolved AND state <> 'resolved'));

-- name: put_alert!
INSERT INTO alerts (
    tenant, alert, cause, kind, route, provider, state, since_us, opened_us, updated_us, resolved_us,
    muted_until_us, is_told, changes, content
)
VALUES (
    :tenant, :alert, :cause, :kind, :route, :provider, :state, :since_us, :opened_us, :updated_us, :resolved_us,
    :muted_until_us, :is_notified, :changes, :content
);

-- name: set_alert!
UPDATE alerts
SET
    state = :state, since_us = :since_us, updated_us = :updated_us, resolved_us = :resolved_us,
    muted_until_us = :muted_until_us, is_told = :is_notified, changes = :changes, content = :content
WHERE tenant = :tenant AND alert = :alert;

-- name: alerts_with_sids
-- Alerts that can name calls: all but alerts on rates.
SELECT alert, content FROM alerts WHERE tenant = :tenant AND kind <> 'rate' ORDER BY alert;

-- name: set_alert_content!
UPDATE alerts SET content = :content WHERE tenant = :tenant AND alert = :alert;

-- name: put_alert_change!
INSERT INTO alert_changes (tenant, alert, change, at_us, what, by_whom, note)
VALUES (:tenant, :alert, :change, :at_us, :what, :by_whom, :note);

-- name: changes_of_alert
SELECT change, at_us, what, by_whom, note FROM alert_changes
WHERE tenant = :tenant AND alert = :alert ORDER BY change;

-- name: old_alerts
-- First alerts that were resolved long ago. Older unresolved alerts are read each time: there are few.
SELECT alert FROM alerts
WHERE
    tenant = :tenant AND opened_us < :before_us AND state = 'resolved' AND updated_us < :before_us
    AND (muted_until_us IS NULL OR muted_until_us <= :now_us)
ORDER BY opened_us, alert LIMIT :most;

-- name: prune_alert_changes!
-- Changes of the alerts that `prune_alerts` deletes afterwards, with the same parameters.
DELETE FROM alert_changes
WHERE tenant = :tenant AND alert IN (
    SELECT a.alert FROM alerts AS a
    WHERE
        a.tenant = :tenant AND a.opened_us < :before_us AND a.state = 'resolved' AND a.updated_us < :before_us
        AND (a.muted_until_us IS NULL OR a.muted_until_us <= :now_us)
    ORDER BY a.opened_us, a.alert LIMIT :most
);

-- name: prune_alerts
DELETE FROM alerts
WHERE tenant = :tenant AND alert IN (
    SELECT a.alert FROM alerts AS a
    WHERE
        a.tenant = :tenant AND a.opened_us < :before_us AND a.state = 'resolved' AND a.updated_us < :before_us
        AND (a.muted_until_us IS NULL OR a.muted_until_us <= :now_us)
    ORDER BY a.opened_us, a.alert LIMIT :most
)
RETURNING alert;

-- name: admin_unresolved_by_tenant
-- Number of unresolved alerts by kind and state, for Prometheus.
SELECT tenant, kind, state, count(*) FROM alerts
WHERE state <> 'resolved' GROUP BY tenant, kind, state ORDER BY tenant, kind, state;

-- name: rules_of_tenant
SELECT rules FROM alert_rules WHERE tenant = :tenant;

-- name: drop_rules!
DELETE FROM alert_rules WHERE tenant = :tenant;

-- name: put_rules!
INSERT INTO alert_rules (tenant, rules, updated_us)
VALUES (:tenant, :rules, :now_us)
ON CONFLICT (tenant) DO UPDATE SET rules = excluded.rules, updated_us = excluded.updated_us;

-- name: judging_of_tenant
-- Progress of a tenant's alert evaluation, and the state of its detectors.
SELECT turns, judged_us, state FROM alert_states WHERE tenant = :tenant;

-- name: keep_judging
-- Claim the next evaluation, unless another process claimed it since.
INSERT INTO alert_states (tenant, turns, judged_us, state)
VALUES (:tenant, 1, :judged_us, :state)
ON CONFLICT (tenant) DO UPDATE
SET turns = alert_states.turns + 1, judged_us = excluded.judged_us, state = excluded.state
WHERE alert_states.turns = :turns
RETURNING turns;

-- name: sinks_of_tenant
SELECT sink, kind, name, shown, sealed, created_us, updated_us, told_us, fault
FROM alert_sinks WHERE tenant = :tenant ORDER BY created_us, sink;

-- name: sink_of_id
SELECT sink, kind, name, shown, sealed, created_us, updated_us, told_us, fault
FROM alert_sinks WHERE tenant = :tenant AND sink = :sink;

-- name: add_sink!
INSERT INTO alert_sinks (tenant, sink, kind, name, shown, sealed, created_us, updated_us)
VALUES (:tenant, :sink, :kind, :name, :public_settings, :sealed, :now_us, :now_us);

-- name: change_sink!
-- No row if it was deleted meanwhile.
UPDATE alert_sinks SET kind = :kind, name = :name, shown = :public_settings, sealed = :sealed, updated_us = :now_us
WHERE tenant = :tenant AND sink = :sink;

-- name: drop_sink
DELETE FROM alert_sinks WHERE tenant = :tenant AND sink = :sink RETURNING sink;

-- name: drop_notices_of_sink!
DELETE FROM alert_notices WHERE tenant = :tenant AND sink = :sink;

-- name: put_notice!
INSERT INTO alert_notices (tenant, sink, alert, change, due_us, tries, created_us)
VALUES (:tenant, :sink, :alert, :change, :now_us, 0, :now_us)
ON CONFLICT (tenant, sink, alert, change) DO NOTHING;

-- name: due_notices
-- Due notifications, oldest first.
SELECT sink, alert, change, tries, created_us FROM alert_notices
WHERE tenant = :tenant AND due_us <= :now_us
ORDER BY due_us, alert, change LIMIT :most;

-- name: defer_notice!
UPDATE alert_notices SET due_us = :due_us, tries = :tries
WHERE tenant = :tenant AND sink = :sink AND alert = :alert AND change = :change;

-- name: drop_notice!
DELETE FROM alert_notices
WHERE tenant = :tenant AND sink = :sink AND alert = :alert AND change = :change;

-- name: note_sink!
-- Outcome of the last notification to a sink.
UPDATE alert_sinks SET told_us = coalesce(:notified_us, told_us), fault = :fault WHERE tenant = :tenant AND sink = :sink;

-- name: failing_endpoints
-- Webhook endpoints that have failed for a while.
SELECT endpoint, failing_since_us, reason FROM webhook_endpoints
WHERE tenant = :tenant AND failing_since_us < :before_us ORDER BY endpoint;

-- name: last_changed
-- Calls that changed last, newest first, since an instant.
SELECT id, record FROM (
    SELECT id, record, updated_us FROM calls WHERE tenant = :tenant ORDER BY revision DESC LIMIT :most
) AS changed
WHERE updated_us >= :since_us;

-- name: ids_last_changed
-- Ids of the calls that changed last, since an instant.
SELECT id FROM (
    SELECT id, updated_us FROM calls WHERE tenant = :tenant ORDER BY revision DESC LIMIT :most
) AS changed
WHERE updated_us >= :since_us;

-- name: ids_created_between
-- Ids of the first calls of a window.
SELECT id FROM calls
WHERE tenant = :tenant AND created_us >= :lo_us AND created_us < :hi_us ORDER BY created_us, id LIMIT :most;

-- name: admin_count_waiting_evaluations
-- Number of tenants older than a time whose alerts are not evaluated until then.
SELECT count(*) FROM tenants AS t LEFT JOIN alert_states AS s ON s.tenant = t.tenant
WHERE t.removed_us IS NULL AND t.created_us < :evaluated_us AND coalesce(s.judged_us, 0) < :evaluated_us;
