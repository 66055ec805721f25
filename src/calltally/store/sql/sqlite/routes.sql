-- name: add_route_numbers
-- Returns the numbers that were free.
INSERT INTO route_numbers (tenant, number, route)
VALUES (:tenant, :number, :route)
ON CONFLICT (tenant, number) DO NOTHING
RETURNING number
