"""Time of the last use of each API key, stored at most once an hour and after the response."""

import asyncio
from typing import Final

from cachetools import TTLCache

from calltally.calls.errors import CalltallyError
from calltally.calls.times import SECOND_US
from calltally.logs import get_logger
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.tenants.api_keys import record_key_use
from calltally.web.request.access import Access

PRECISION_US: Final = 3_600 * SECOND_US
_MAX_KEYS: Final = 10_000

log = get_logger(__name__)


class KeyUses:
    """Recorder of the uses of keys. A request only looks its key up; the write is a task of its own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recorded: TTLCache[tuple[str, str], bool] = TTLCache(_MAX_KEYS, PRECISION_US, timer=clock)
        self._writes: set[asyncio.Task[None]] = set()

    def note(self, access: Access) -> None:
        """Record a use, unless one of this hour is recorded. The admin key is not stored, so it has none."""
        key = (access.tenant or "", access.key_id)
        if access.tenant is None or key in self._recorded:
            return
        self._recorded[key] = True
        write = asyncio.create_task(self._write(key))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def _write(self, key: tuple[str, str]) -> None:
        try:
            await self._store.write(record_key_use(*key, self._clock()))
        except CalltallyError as fault:
            log.warning("the use of a key was not stored", detail=fault.detail)

    async def close(self) -> None:
        """End writes that wait for the store."""
        for write in self._writes:
            write.cancel()
        await asyncio.gather(*self._writes, return_exceptions=True)
