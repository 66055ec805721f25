"""Masking of numbers by endpoint. The column rewrites no row."""

from calltally.store.backends.migrate import sql_migration

revision = "0012"
down_revision = "0011"
upgrade = sql_migration(__file__)
