"""Seeded traffic of made-up tenants: realistic volumes, rates and noise, and the calls as events."""
