"""Snapshots, erasure, retention, search, leases. Columns with constant defaults rewrite no table."""

from calltally.store.backends.migrate import sql_migration

revision = "0002"
down_revision = "0001"
upgrade = sql_migration(__file__)
