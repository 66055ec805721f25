-- name: activity_of_facets
-- Facets of a range in order, with the first and last hour with calls of each: some index searches per facet.
WITH RECURSIVE f (facet, number) AS (
    SELECT min(c.facet), 1 FROM counts AS c
    WHERE c.tenant = :tenant AND c.facet >= :lo AND c.facet < :hi
    UNION ALL
    SELECT (
        SELECT min(c.facet) FROM counts AS c
        WHERE c.tenant = :tenant AND c.facet > f.facet AND c.facet < :hi
    ), f.number + 1
    FROM f WHERE f.facet IS NOT NULL AND f.number < :most
)
SELECT
    f.facet,
    (
        SELECT c.bucket_s FROM counts AS c
        WHERE c.tenant = :tenant AND c.facet = f.facet AND c.width_s = 3600 AND c.calls > 0
        ORDER BY c.bucket_s LIMIT 1
    ),
    (
        SELECT c.bucket_s FROM counts AS c
        WHERE c.tenant = :tenant AND c.facet = f.facet AND c.width_s = 3600 AND c.calls > 0
        ORDER BY c.bucket_s DESC LIMIT 1
    )
FROM f WHERE f.facet IS NOT NULL;

-- name: newest_call_of_providers
-- Time of the newest call by provider, among the calls that were created last.
SELECT n.provider, max(n.created_us) FROM (
    SELECT c.provider, c.created_us FROM calls AS c
    WHERE c.tenant = :tenant AND c.created_us <= :now_us
    ORDER BY c.created_us DESC LIMIT :most
) AS n
WHERE n.provider IS NOT NULL GROUP BY n.provider;

-- name: counts_of_minutes
-- Calls of each minute with calls: all, completed, no-answer and failed.
SELECT
    bucket_s, calls, completed_unknown + completed_inbound + completed_outbound,
    no_answer_unknown + no_answer_inbound + no_answer_outbound, failed_unknown + failed_inbound + failed_outbound
FROM counts
WHERE tenant = :tenant AND facet = '' AND width_s = 60 AND bucket_s >= :lo_s AND bucket_s < :hi_s AND calls > 0
ORDER BY bucket_s;

-- name: backlog_of_endpoints
-- Endpoints with their waiting and their lately abandoned deliveries, each counted up to a limit.
-- The id of a delivery begins with its time, so the least id of the first due ones gives the oldest.
SELECT
    w.endpoint, w.url, w.description, w.state, w.reason, w.failing_since_us,
    (
        SELECT count(*) FROM (
            SELECT d.event_id FROM deliveries AS d
            WHERE d.tenant = :tenant AND d.endpoint = w.endpoint AND d.state = 'waiting'
            ORDER BY d.due_us LIMIT :most
        ) AS n
    ),
    (
        SELECT n.event_id FROM (
            SELECT d.event_id FROM deliveries AS d
            WHERE d.tenant = :tenant AND d.endpoint = w.endpoint AND d.state = 'waiting'
            ORDER BY d.due_us LIMIT :most
        ) AS n ORDER BY n.event_id LIMIT 1
    ),
    (
        SELECT count(*) FROM (
            SELECT d.event_id FROM deliveries AS d
            WHERE
                d.tenant = :tenant AND d.endpoint = w.endpoint AND d.state = 'dead'
                AND d.event_id >= :since
            ORDER BY d.event_id LIMIT :most
        ) AS n
    )
FROM webhook_endpoints AS w WHERE w.tenant = :tenant AND w.state <> 'deleted' ORDER BY w.created_us, w.endpoint;

-- name: jobs_in_trouble
-- Failed jobs since an instant, and open ones whose last runs ended without a result, newest first.
SELECT job, kind, state, spec, progress, outcome, checked, turns, tries, waits, reason,
    created_us, updated_us, expires_us, cleared_us
FROM jobs
WHERE
    tenant = :tenant AND kind IN ('export', 'reconciliation') AND created_us >= :since_us
    AND (state = 'failed' OR (state IN ('queued', 'running') AND (waits > 0 OR tries > 1)))
ORDER BY created_us DESC, job DESC LIMIT :most;

-- name: alerts_evaluated_until
-- Time up to which the alerts of a tenant are evaluated.
SELECT judged_us FROM alert_states WHERE tenant = :tenant;
