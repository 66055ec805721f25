"""Time at which the removal of a tenant began."""

from calltally.store.backends.migrate import sql_migration

revision = "0021"
down_revision = "0020"
upgrade = sql_migration(__file__)
