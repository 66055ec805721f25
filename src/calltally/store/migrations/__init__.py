"""The schema's history: dated facts in plain SQL, one file a database, run in order by Alembic."""
