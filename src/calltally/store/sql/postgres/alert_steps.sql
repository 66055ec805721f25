-- name: add_alert_steps!
-- Add a commit's differences to the steps.
INSERT INTO alert_steps (tenant, step_s, route, provider, provider_account, agent, {columns})
SELECT tenant, step_s, route, provider, provider_account, agent, {columns}
FROM unnest(
    :tenant::text[], :step_s::bigint[], :route::text[], :provider::text[], :provider_account::text[],
    :agent::text[], {arrays}
) AS k (tenant, step_s, route, provider, provider_account, agent, {columns})
ON CONFLICT (tenant, step_s, route, provider, provider_account, agent) DO UPDATE SET {sums};
