"""Indexes of numbers by their last four digits and of SIDs, and a country by tenant. It reads all calls."""

from calltally.store.backends.migrate import sql_migration

revision = "0017"
down_revision = "0016"
upgrade = sql_migration(__file__)
