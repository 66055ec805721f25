"""Times of last occurrences by key, stored rarely and after the response."""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from cachetools import TTLCache

from calltally.calls.errors import CalltallyError
from calltally.logs import get_logger
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock, StoreOperation

Key = TypeVar("Key", bound=tuple[str, ...])

_MAX_KEYS: Final = 10_000

log = get_logger(__name__)


class StoredTimes(Generic[Key]):
    """Recorder of times. A request only looks its key up; the write is a task of its own.

    `record` stores the time of a key. A time is stored once in `precision_us`.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        record: Callable[[Key, int], StoreOperation[None]],
        precision_us: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._record = record
        self._recorded: TTLCache[Key, bool] = TTLCache(_MAX_KEYS, precision_us, timer=clock)
        self._writes: set[asyncio.Task[None]] = set()

    def note(self, key: Key) -> None:
        """Store the present time, unless one was stored lately."""
        if key in self._recorded:
            return
        self._recorded[key] = True
        write = asyncio.create_task(self._write(key))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def _write(self, key: Key) -> None:
        try:
            await self._store.write(self._record(key, self._clock()))
        except CalltallyError as fault:
            log.warning("the time of a last use or callback was not stored", detail=fault.detail)

    async def written(self) -> None:
        """Wait for the writes so far."""
        await asyncio.gather(*self._writes)

    async def close(self) -> None:
        """End writes that wait for the store."""
        for write in self._writes:
            write.cancel()
        await asyncio.gather(*self._writes, return_exceptions=True)
