"""Closed days of the quality roll-ups. A worker closes existing days one by one."""

from calltally.store.backends.migrate import sql_migration

revision = "0010"
down_revision = "0009"
upgrade = sql_migration(__file__)
