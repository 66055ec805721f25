"""Session of a command: settings, an open store and an event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings, opened_store
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.tenants import admin_list_tenants

T = TypeVar("T")


def with_store(work: Callable[[Store, Settings], Awaitable[T]], given: Settings | None = None) -> T:
    """Run `work` with the configured store, or that of `given`. Raises its errors, and Misconfigured."""

    async def session() -> T:
        settings = given or load_settings()
        async with opened_store(settings, wall_clock) as store:
            return await work(store, settings)

    return asyncio.run(session())


def read_once(operation: StoreOperation[T]) -> T:
    return with_store(lambda store, _settings: store.read(operation))


def write_once(operation: StoreOperation[T]) -> T:
    """Run one operation as a transaction on the configured store."""
    return with_store(lambda store, _settings: store.write(operation))


async def chosen_tenants(store: Store, chosen: Sequence[str] | None = None) -> list[str]:
    """Return the chosen tenants, or all."""
    return list(chosen or ()) or [each.tenant for each in await store.read(admin_list_tenants())]
