"""Admin API: tenants, keys, routes, secrets."""
