-- name: put_route!
INSERT INTO routes (tenant, route, agent, provider, updated_us)
VALUES (:tenant, :route, :agent, :provider, :now_us)
ON CONFLICT (tenant, route) DO UPDATE
SET agent = excluded.agent, provider = excluded.provider, updated_us = excluded.updated_us

-- name: remove_route_numbers!
DELETE FROM route_numbers
WHERE tenant = :tenant AND route = :route

-- name: list_routes
SELECT route, agent, provider, updated_us
FROM routes
WHERE tenant = :tenant
ORDER BY route

-- name: list_route_numbers
SELECT number, route
FROM route_numbers
WHERE tenant = :tenant
ORDER BY number

-- name: routes_by_number
SELECT n.number, r.route, r.agent
FROM route_numbers n
JOIN routes r ON r.tenant = n.tenant AND r.route = n.route
WHERE n.tenant = :tenant

-- name: remove_route
DELETE FROM routes
WHERE tenant = :tenant AND route = :route
RETURNING route
