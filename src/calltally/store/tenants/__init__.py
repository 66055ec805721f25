"""Tenants and their settings: keys, routes, secrets, retention, dead letters."""
