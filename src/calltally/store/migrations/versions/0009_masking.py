"""Masking of numbers by tenant. The column rewrites no row."""

from calltally.store.backends.migrate import sql_migration

revision = "0009"
down_revision = "0008"
upgrade = sql_migration(__file__)
