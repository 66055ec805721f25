-- name: add_endpoint!
INSERT INTO webhook_endpoints (
    tenant, endpoint, url, description, form, events, direction, route, agent, sees_numbers, sealed, state, taken,
    created_us, updated_us
)
VALUES (
    :tenant, :endpoint, :url, :description, :form, :events, :direction, :route, :agent, :sees_numbers, :sealed, 'active',
    :taken, :now_us, :now_us
);

-- name: count_endpoints
SELECT count(*) FROM webhook_endpoints WHERE tenant = :tenant AND state <> 'deleted';

-- name: endpoints_of_tenant
-- Endpoints in the order of their creation.
SELECT
    endpoint, url, description, form, events, direction, route, agent, sees_numbers, sealed, previous, previous_until_us,
    state, reason, failing_since_us, taken, created_us, updated_us,
    (SELECT t.masks_numbers FROM tenants AS t WHERE t.tenant = :tenant)
FROM webhook_endpoints WHERE tenant = :tenant AND state <> 'deleted' ORDER BY created_us, endpoint;

-- name: endpoint_of_id
SELECT
    endpoint, url, description, form, events, direction, route, agent, sees_numbers, sealed, previous, previous_until_us,
    state, reason, failing_since_us, taken, created_us, updated_us,
    (SELECT t.masks_numbers FROM tenants AS t WHERE t.tenant = :tenant)
FROM webhook_endpoints WHERE tenant = :tenant AND endpoint = :endpoint AND state <> 'deleted';

-- name: change_endpoint!
UPDATE webhook_endpoints SET
    url = :url, description = :description, form = :form, events = :events, direction = :direction, route = :route,
    agent = :agent, sees_numbers = :sees_numbers, updated_us = :now_us
WHERE tenant = :tenant AND endpoint = :endpoint AND state <> 'deleted';

-- name: rotate_endpoint!
-- New secret; the old secret also signs for a while.
UPDATE webhook_endpoints SET
    sealed = :sealed, previous = :previous, previous_until_us = :previous_until_us, updated_us = :now_us
WHERE tenant = :tenant AND endpoint = :endpoint AND state <> 'deleted';

-- name: reseal_endpoint!
-- Same secrets, encrypted with another key, unless they changed since they were read.
UPDATE webhook_endpoints SET sealed = :sealed, previous = :previous
WHERE tenant = :tenant AND endpoint = :endpoint AND sealed = :sealed_before;

-- name: set_endpoint_state!
UPDATE webhook_endpoints SET state = :state, reason = :reason, failing_since_us = NULL, updated_us = :now_us
WHERE tenant = :tenant AND endpoint = :endpoint AND state <> 'deleted';

-- name: set_endpoint_failing!
-- Begin of the failures; NULL after a success.
UPDATE webhook_endpoints SET failing_since_us = :failing_since_us
WHERE tenant = :tenant AND endpoint = :endpoint;

-- name: delete_endpoint!
-- Its row stays, without its address, until its deliveries are deleted.
UPDATE webhook_endpoints SET
    state = 'deleted', url = '', description = NULL, sealed = :nothing, previous = NULL, updated_us = :now_us
WHERE tenant = :tenant AND endpoint = :endpoint;

-- name: endpoints_with_rows
-- All endpoints, including deleted ones, to prune their old or all deliveries.
SELECT endpoint, state FROM webhook_endpoints WHERE tenant = :tenant ORDER BY endpoint;

-- name: drop_endpoint!
DELETE FROM webhook_endpoints WHERE tenant = :tenant AND endpoint = :endpoint AND state = 'deleted';

-- name: add_delivery_head!
INSERT INTO delivery_heads (tenant, seen, due_us) VALUES (:tenant, 0, 0) ON CONFLICT (tenant) DO NOTHING;

-- name: drop_delivery_head!
DELETE FROM delivery_heads WHERE tenant = :tenant;

-- name: move_delivery_head!
UPDATE delivery_heads SET seen = :seen, due_us = :due_us WHERE tenant = :tenant;

-- name: admin_tenants_to_deliver
-- Tenants with new revisions or due deliveries.
SELECT d.tenant FROM delivery_heads AS d
JOIN ledger_heads AS h ON h.tenant = d.tenant
WHERE h.revision > d.seen OR d.due_us <= :now_us
ORDER BY d.tenant;

-- name: admin_count_waiting_deliveries
-- Number of tenants with revisions that no dispatcher has seen, or with deliveries that were due at a time.
SELECT count(*) FROM delivery_heads AS d
JOIN ledger_heads AS h ON h.tenant = d.tenant
WHERE h.revision > d.seen OR d.due_us <= :due_us;

-- name: ledger_to_deliver
-- Head of a ledger: its last revision, its epoch, and the number of its erased calls.
SELECT revision, epoch, erasures FROM ledger_heads WHERE tenant = :tenant;
