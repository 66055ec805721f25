"""Tables of tenants, facts, calls, versions, counters and the outbox."""

from calltally.store.backends.migrate import sql_migration

revision = "0001"
down_revision = None
upgrade = sql_migration(__file__)
