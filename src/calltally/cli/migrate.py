"""`calltally migrate`: the database, as this version needs it."""

import typer

from calltally.bootstrap import load_settings, open_vault
from calltally.store.opening import migrate as migrate_database
from calltally.store.opening import sqlite_path
from calltally.store.schema import HEAD


def migrate() -> None:
    """Make the database where it is missing, and bring its schema to this version. Safe to repeat."""
    settings = load_settings()
    migrate_database(settings.database_url)
    if sqlite_path(settings.database_url) is not None:
        open_vault(settings)
    typer.echo(f"The schema is at {HEAD}.")
