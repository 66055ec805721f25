"""The only place with SQL: the ledger, the seek, the lookups, on SQLite and on PostgreSQL."""
