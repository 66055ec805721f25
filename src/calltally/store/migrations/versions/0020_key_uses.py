"""Time of the last use of each API key."""

from calltally.store.backends.migrate import sql_migration

revision = "0020"
down_revision = "0019"
upgrade = sql_migration(__file__)
