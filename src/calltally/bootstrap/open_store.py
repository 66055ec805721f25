"""Settings and store of a command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from calltally.calls.errors import Misconfigured
from calltally.settings.fields import Settings
from calltally.settings.reading import BadSetting, read_settings
from calltally.store.backends.open import check_schema, migrate, open_store, sqlite_path
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock


def load_settings() -> Settings:
    """Return the settings of this process and folder. Raises Misconfigured."""
    try:
        return read_settings(Path.cwd())
    except BadSetting as fault:
        raise Misconfigured(str(fault)) from fault


def create_first_database(settings: Settings) -> Path | None:
    """Create the database of a first start and return its path; None if nothing was created.

    Only the database of the default setting, in a folder without any files. Any other missing database is
    an error: it may have been moved, or the setting is wrong.
    """
    path = sqlite_path(settings.database_url)
    if path is None or "database_url" in settings.model_fields_set:
        return None
    if path.parent.exists() and any(path.parent.iterdir()):
        return None
    migrate(settings.database_url)
    return path.absolute()


@asynccontextmanager
async def opened_store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    """Open the store for the duration of a command. Raises Misconfigured if it is not migrated."""
    store = open_store(settings.database_url, clock)
    try:
        await check_schema(store)
        yield store
    finally:
        await store.close()
