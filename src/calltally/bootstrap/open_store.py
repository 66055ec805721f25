"""Settings and store of a command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from calltally.calls.errors import Misconfigured
from calltally.settings.fields import Settings
from calltally.settings.reading import BadSetting, read_settings
from calltally.store.backends.open import check_schema, open_store
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock


def load_settings() -> Settings:
    """Return the settings of this process and folder. Raises Misconfigured."""
    try:
        return read_settings(Path.cwd())
    except BadSetting as fault:
        raise Misconfigured(str(fault)) from fault


@asynccontextmanager
async def opened_store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    """Open the store for the duration of a command. Raises Misconfigured if it is not migrated."""
    store = open_store(settings.database_url, clock)
    try:
        await check_schema(store)
        yield store
    finally:
        await store.close()
