"""Webhook endpoints, deliveries and attempts."""

from calltally.store.backends.migrate import sql_migration

revision = "0007"
down_revision = "0006"
upgrade = sql_migration(__file__)
