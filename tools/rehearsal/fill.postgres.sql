-- So many calls as a running service would have them, at the schema of the release before: four facts, three
-- superseded versions and four rows of counter history each. Half of the calls are of one tenant.
-- {calls} is the number of calls; times are microseconds, and spread over 90 days.

INSERT INTO tenants (tenant, name, created_us)
WITH n (i) AS (SELECT generate_series(0::bigint, 18))
SELECT 'tenant-' || lpad(i::text, 2, '0'), 'Tenant', 0 FROM n
UNION ALL SELECT 'big', 'Big', 0 UNION ALL SELECT 'probe', 'Probe', 0;

INSERT INTO ledger_heads (tenant, revision, epoch)
SELECT tenant, 4 * {calls}, 'rehearsed' FROM tenants;

INSERT INTO calls (
    tenant, id, call_sid, created_us, status, direction, route, agent, provider, escalated, from_number, to_number,
    revision, updated_us, record
)
WITH n (i) AS (SELECT generate_series(0::bigint, {calls} - 1))
SELECT
    CASE WHEN i < {calls} / 2 THEN 'big'
        ELSE 'tenant-' || lpad(((i - {calls} / 2) * 19 / ({calls} - {calls} / 2))::text, 2, '0') END,
    decode(md5('id' || i), 'hex'), 'CA' || md5(i::text),
    1790000000000000 + (i * 7919 % {calls}) * (7776000000000 / {calls}),
    4, 1 + i % 2, 'route-' || i % 12, 'agent-' || i % 5, 'twilio', (i % 33 = 0)::int,
    '+1415555' || lpad((i * 31 % 10000)::text, 4, '0'), '+1628555' || lpad((i % 400)::text, 4, '0'),
    4 * i + 4, 1790000000000000 + i, decode(repeat(md5(i::text), 54), 'hex')
FROM n;

INSERT INTO facts (tenant, node, key, received_us, outcome, reason, repeats, content, raw)
WITH k (place) AS (VALUES (0), (1), (2), (3))
SELECT c.tenant, c.id, decode(md5(c.call_sid || k.place), 'hex'), c.created_us + k.place, 'applied', NULL, 0,
    decode(repeat(md5(c.call_sid), 7), 'hex'), decode(repeat(md5(c.call_sid), 6), 'hex')
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
SELECT tenant, revision, decode(md5(call_sid), 'hex'), id, created_us FROM calls WHERE revision % 400 = 0;

INSERT INTO outbox (tenant, revision, event, event_id, call_id, created_us, body)
SELECT
    tenant, revision, 'voice.call.completed', decode(md5(call_sid), 'hex'), id, created_us,
    decode(repeat(md5(call_sid), 19), 'hex')
FROM calls
ORDER BY tenant, revision;

INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, calls, completed_inbound, completed_outbound)
WITH w (width_s) AS (VALUES (2764800), (86400), (3600), (60))
SELECT
    tenant, '', width_s, created_us / 1000000 / width_s * width_s, max(revision), 4 * count(*), count(*),
    count(*) FILTER (WHERE direction = 1), count(*) FILTER (WHERE direction = 2)
FROM calls CROSS JOIN w GROUP BY 1, 3, 4;

INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, calls, completed_inbound, completed_outbound)
WITH w (width_s) AS (VALUES (86400), (3600))
SELECT
    tenant, 'route=' || route, width_s, created_us / 1000000 / width_s * width_s, max(revision), 4 * count(*), count(*),
    count(*) FILTER (WHERE direction = 1), count(*) FILTER (WHERE direction = 2)
FROM calls CROSS JOIN w GROUP BY 1, 2, 3, 4;

INSERT INTO count_history (tenant, valid_to, facet, width_s, bucket_s, revision, changes, calls, queued_inbound)
WITH k (place) AS (VALUES (0), (1), (2), (3))
SELECT tenant, revision - 3 + place, '', 60, created_us / 1000000 / 60 * 60, revision - 4 + place, 1 + place, 1, 1
FROM calls CROSS JOIN k ORDER BY tenant, revision, place;
