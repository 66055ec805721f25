"""Quality roll-ups, and the measures of each call, null at first."""

from calltally.store.backends.migrate import sql_migration

revision = "0006"
down_revision = "0005"
upgrade = sql_migration(__file__)
