-- So many calls as a running service would have them, at the schema of the release before: four facts, three
-- superseded versions and four rows of counter history each. Half of the calls are of one tenant.
-- {calls} is the number of calls; times are microseconds, and spread over 90 days.

INSERT INTO tenants (tenant, name, created_us)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 18)
SELECT printf('tenant-%02d', i), 'Tenant', 0 FROM n
UNION ALL SELECT 'big', 'Big', 0 UNION ALL SELECT 'probe', 'Probe', 0;

INSERT INTO ledger_heads (tenant, revision, epoch)
SELECT tenant, 4 * {calls}, 'rehearsed' FROM tenants;

INSERT INTO calls (
    tenant, id, call_sid, created_us, status, direction, route, agent, provider, escalated, from_number, to_number,
    revision, updated_us, record
)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {calls} - 1)
SELECT
    CASE WHEN i < {calls} / 2 THEN 'big'
        ELSE printf('tenant-%02d', (i - {calls} / 2) * 19 / ({calls} - {calls} / 2)) END,
    randomblob(16), printf('CA%032x', i),
    1790000000000000 + (i * 7919 % {calls}) * (7776000000000 / {calls}),
    4, 1 + i % 2, 'route-' || i % 12, 'agent-' || i % 5, 'twilio', i % 33 = 0,
    printf('+1415555%04d', i * 31 % 10000), printf('+1628555%04d', i % 400),
    4 * i + 4, 1790000000000000 + i, randomblob(865)
FROM n;

INSERT INTO facts (tenant, node, key, received_us, outcome, reason, repeats, content, raw)
WITH k (place) AS (VALUES (0), (1), (2), (3))
SELECT c.tenant, c.id, randomblob(16), c.created_us + k.place, 'applied', NULL, 0, randomblob(120), randomblob(100)
FROM calls AS c CROSS JOIN k ORDER BY c.tenant, c.id;

INSERT INTO call_versions (
    tenant, created_us, id, valid_from, valid_to, status, direction, route, agent, provider, escalated,
    from_number, to_number
)
WITH k (place) AS (VALUES (0), (1), (2))
SELECT
    c.tenant, c.created_us, c.id, c.revision - 3 + k.place, c.revision - 2 + k.place, k.place,
    c.direction, c.route, c.agent, c.provider, 0, c.from_number, c.to_number
FROM calls AS c CROSS JOIN k ORDER BY c.tenant, c.created_us, c.id, k.place;

INSERT INTO tombstones (tenant, revision, id, merged_into, created_us)
SELECT tenant, revision, randomblob(16), id, created_us FROM calls WHERE revision % 400 = 0;

INSERT INTO outbox (tenant, revision, event, event_id, call_id, created_us, body)
SELECT tenant, revision, 'voice.call.completed', randomblob(16), id, created_us, randomblob(300) FROM calls
ORDER BY tenant, revision;

INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, calls, completed_inbound, completed_outbound)
WITH w (width_s) AS (VALUES (2764800), (86400), (3600), (60))
SELECT
    tenant, '', width_s, created_us / 1000000 / width_s * width_s, max(revision), 4 * count(*), count(*),
    sum(direction = 1), sum(direction = 2)
FROM calls CROSS JOIN w GROUP BY 1, 3, 4;

INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, calls, completed_inbound, completed_outbound)
WITH w (width_s) AS (VALUES (86400), (3600))
SELECT
    tenant, 'route=' || route, width_s, created_us / 1000000 / width_s * width_s, max(revision), 4 * count(*), count(*),
    sum(direction = 1), sum(direction = 2)
FROM calls CROSS JOIN w GROUP BY 1, 2, 3, 4;

INSERT INTO count_history (tenant, valid_to, facet, width_s, bucket_s, revision, changes, calls, queued_inbound)
WITH k (place) AS (VALUES (0), (1), (2), (3))
SELECT tenant, revision - 3 + place, '', 60, created_us / 1000000 / 60 * 60, revision - 4 + place, 1 + place, 1, 1
FROM calls CROSS JOIN k ORDER BY tenant, revision, place;
