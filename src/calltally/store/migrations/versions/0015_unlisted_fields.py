"""Table of the fields and end reasons that no coverage page lists."""

from calltally.store.backends.migrate import sql_migration

revision = "0015"
down_revision = "0014"
upgrade = sql_migration(__file__)
