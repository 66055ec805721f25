"""History of the schema: migrations in plain SQL, one file per database, which Alembic runs in order."""
