"""Callbacks with a wrong signature, counted for alerts: written seldom, since strangers send many."""

import asyncio
from typing import Final

from calltally.calls.errors import CalltallyError
from calltally.logs import get_logger
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.tenants.signature_failures import record_failures

_WRITTEN_EVERY_S: Final = 2.0
# Whoever makes up tenants fills no memory: those beyond are not counted.
_MOST_TENANTS: Final = 100

log = get_logger(__name__)


class SignatureFailureCounter:
    """What a process turned away since it last wrote how much that was."""

    def __init__(self, store: Store, clock: Clock, every_s: float = _WRITTEN_EVERY_S) -> None:
        self._store = store
        self._clock = clock
        self._every_s = every_s
        self._counts: dict[tuple[str, str], int] = {}
        self._writing: asyncio.Task[None] | None = None

    def count(self, tenant: str, provider: str) -> None:
        """One more; written within seconds, with all that come until then."""
        key = (tenant, provider)
        if key in self._counts or len(self._counts) < _MOST_TENANTS:
            self._counts[key] = self._counts.get(key, 0) + 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(self._every_s)
        counts, self._counts = self._counts, {}
        try:
            for (tenant, provider), failures in counts.items():
                await self._store.write(record_failures(tenant, provider, failures, self._clock()))
        except Exception as fault:
            unforeseen = None if isinstance(fault, CalltallyError) else fault
            log.warning("wrong signatures were not counted", detail=str(fault), exc_info=unforeseen)

    async def close(self) -> None:
        """Forget what was not written."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
