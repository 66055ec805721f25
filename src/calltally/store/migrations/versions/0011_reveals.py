"""Log of revealed numbers."""

from calltally.store.backends.migrate import sql_migration

revision = "0011"
down_revision = "0010"
upgrade = sql_migration(__file__)
