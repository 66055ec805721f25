"""Sessions. `calltally migrate` then folds all calls again."""

from calltally.store.backends.migrate import sql_migration

revision = "0008"
down_revision = "0007"
upgrade = sql_migration(__file__)
