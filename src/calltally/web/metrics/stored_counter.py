"""Counter whose counts are written to the store after a delay, several at a time."""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from calltally.calls.errors import CalltallyError
from calltally.logs import get_logger
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock, StoreOperation

Key = TypeVar("Key", bound=tuple[str, ...])

# Bounds memory against invented tenants and names: counts beyond are dropped.
_MAX_KEYS: Final = 100

log = get_logger(__name__)


class StoredCounter(Generic[Key]):
    """Counts of this process by key, since the last write to the store.

    `record` adds a count at a time (microseconds UTC) to those in the store. Writes are rare, because
    strangers can cause many counts.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        record: Callable[[Key, int, int], StoreOperation[None]],
        interval_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._record = record
        self._interval_s = interval_s
        self._counts: dict[Key, int] = {}
        self._write_task: asyncio.Task[None] | None = None

    def count(self, key: Key) -> None:
        """Add one. It is written within the interval, together with others."""
        if key in self._counts or len(self._counts) < _MAX_KEYS:
            self._counts[key] = self._counts.get(key, 0) + 1
        if self._write_task is None or self._write_task.done():
            self._write_task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(self._interval_s)
        counts, self._counts = self._counts, {}
        try:
            for key, count in counts.items():
                await self._store.write(self._record(key, count, self._clock()))
        except Exception as fault:
            unexpected = None if isinstance(fault, CalltallyError) else fault
            log.warning("counts were not written to the store", detail=str(fault), exc_info=unexpected)

    async def close(self) -> None:
        """Discard unwritten counts."""
        if self._write_task is not None:
            self._write_task.cancel()
            await asyncio.gather(self._write_task, return_exceptions=True)
