-- name: add_route_numbers
-- Returns the numbers that were free.
INSERT INTO route_numbers (tenant, number, route)
SELECT tenant, number, route
FROM unnest(CAST(:tenant AS TEXT[]), CAST(:number AS TEXT[]), CAST(:route AS TEXT[])) AS given (tenant, number, route)
ON CONFLICT (tenant, number) DO NOTHING
RETURNING number
