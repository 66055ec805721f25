"""Indexes of numbers by their reversed digits. Each is built anew from all calls."""

from calltally.store.backends.migrate import sql_migration

revision = "0024"
down_revision = "0023"
upgrade = sql_migration(__file__)
