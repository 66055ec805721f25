"""Alerts. `calltally migrate` then counts the five-minute steps of existing calls."""

from calltally.store.backends.migrate import sql_migration

revision = "0005"
down_revision = "0003"
upgrade = sql_migration(__file__)
