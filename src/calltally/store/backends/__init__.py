"""The two databases: opening, schema, migrations and the writer."""
