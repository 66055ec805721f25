"""Parents of calls, and indexes of legs and of last changes. It reads all calls."""

from calltally.store.backends.migrate import sql_migration

revision = "0022"
down_revision = "0021"
upgrade = sql_migration(__file__)
