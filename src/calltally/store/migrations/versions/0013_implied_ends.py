"""Implied ends: marks all calls for a refold by `calltally migrate`."""

from calltally.store.backends.migrate import sql_migration

revision = "0013"
down_revision = "0012"
upgrade = sql_migration(__file__)
