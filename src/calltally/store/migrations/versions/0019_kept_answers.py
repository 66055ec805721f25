"""Table of the answers of requests with an Idempotency-Key."""

from calltally.store.backends.migrate import sql_migration

revision = "0019"
down_revision = "0018"
upgrade = sql_migration(__file__)
