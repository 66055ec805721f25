"""Counter of callbacks with a wrong signature, for alerts.

It writes seldom, because strangers can send many.
"""

import asyncio
from typing import Final

from calltally.calls.errors import CalltallyError
from calltally.logs import get_logger
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.tenants.signature_failures import record_failures

_WRITE_INTERVAL_S: Final = 2.0
# Bounds memory against invented tenants: failures beyond are not counted.
_MAX_TENANTS: Final = 100

log = get_logger(__name__)


class SignatureFailureCounter:
    """Signature failures of this process since the last write to the store."""

    def __init__(self, store: Store, clock: Clock, interval_s: float = _WRITE_INTERVAL_S) -> None:
        self._store = store
        self._clock = clock
        self._interval_s = interval_s
        self._counts: dict[tuple[str, str], int] = {}
        self._write_task: asyncio.Task[None] | None = None

    def count(self, tenant: str, provider: str) -> None:
        """Count one failure. It is written within seconds, together with others."""
        key = (tenant, provider)
        if key in self._counts or len(self._counts) < _MAX_TENANTS:
            self._counts[key] = self._counts.get(key, 0) + 1
        if self._write_task is None or self._write_task.done():
            self._write_task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        await asyncio.sleep(self._interval_s)
        counts, self._counts = self._counts, {}
        try:
            for (tenant, provider), failures in counts.items():
                await self._store.write(record_failures(tenant, provider, failures, self._clock()))
        except Exception as fault:
            unexpected = None if isinstance(fault, CalltallyError) else fault
            log.warning(
                "signature failures were not written to the store", detail=str(fault), exc_info=unexpected
            )

    async def close(self) -> None:
        """Discard unwritten counts."""
        if self._write_task is not None:
            self._write_task.cancel()
            await asyncio.gather(self._write_task, return_exceptions=True)
