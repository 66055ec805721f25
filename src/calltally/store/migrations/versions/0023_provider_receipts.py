"""Time of the last authentic callback of each provider."""

from calltally.store.backends.migrate import sql_migration

revision = "0023"
down_revision = "0022"
upgrade = sql_migration(__file__)
