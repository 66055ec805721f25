"""Refold of every call, for the side that hung up and for values that earlier releases did not read."""

from calltally.store.backends.migrate import sql_migration

revision = "0014"
down_revision = "0013"
upgrade = sql_migration(__file__)
