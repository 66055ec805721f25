"""Refold of every call: which side hung up, and values of the bodies that earlier releases did not read."""

from calltally.store.backends.migrate import sql_migration

revision = "0014"
down_revision = "0013"
upgrade = sql_migration(__file__)
