"""What every command does around its work: settings, a store, a loop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings, opened_store
from calltally.settings import Settings
from calltally.store.db.interface import Store
from calltally.store.db.operation import Step

T = TypeVar("T")


def with_store(work: Callable[[Store, Settings], Awaitable[T]]) -> T:
    """Do `work` with the configured store. Raises what the work raises, and Misconfigured."""

    async def session() -> T:
        settings = load_settings()
        async with opened_store(settings, wall_clock) as store:
            return await work(store, settings)

    return asyncio.run(session())


def read_once(step: Step[T]) -> T:
    """Run one reading step on the configured store."""
    return with_store(lambda store, _settings: store.read(step))


def write_once(step: Step[T]) -> T:
    """Run one step as a transaction on the configured store."""
    return with_store(lambda store, _settings: store.write(step))
