-- name: add_alert_steps!
-- Add a commit's differences to the steps.
INSERT INTO alert_steps (tenant, step_s, route, provider, provider_account, agent, {columns})
VALUES (:tenant, :step_s, :route, :provider, :provider_account, :agent, {values})
ON CONFLICT (tenant, step_s, route, provider, provider_account, agent) DO UPDATE SET {sums};
