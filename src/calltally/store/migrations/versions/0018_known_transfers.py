"""Alerts count transfers if a source reports them. `calltally migrate` counts and folds all calls."""

from calltally.store.backends.migrate import sql_migration

revision = "0018"
down_revision = "0017"
upgrade = sql_migration(__file__)
