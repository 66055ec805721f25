"""Jobs and their files."""

from calltally.store.backends.migrate import sql_migration

revision = "0003"
down_revision = "0002"
upgrade = sql_migration(__file__)
