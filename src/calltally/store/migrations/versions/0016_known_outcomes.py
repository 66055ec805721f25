"""Quality counts only calls whose outcome a source reports. `calltally migrate` measures all calls again."""

from calltally.store.backends.migrate import sql_migration

revision = "0016"
down_revision = "0015"
upgrade = sql_migration(__file__)
