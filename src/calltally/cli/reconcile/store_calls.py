"""Calls for a comparison with events, from the configured store."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings, opened_store
from calltally.calls.windows import TimeWindow
from calltally.exports.window import calls_of_window
from calltally.reconcile.call_states import LOOKBACK_US, CallState, chunk_states, mark_outside
from calltally.store.db.interface import Store
from calltally.store.ledger.lookup import find_call
from calltally.store.tenants.tenants import need_tenant


class StoreSide:
    """Calls of the configured store in one snapshot. A context manager. Raises NotFound."""

    def __init__(self, window: TimeWindow, tenant: str) -> None:
        self._window = window
        self._tenant = tenant
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        try:
            self._store: Store = self._runner.run(self._opened())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._runner.run(self._stack.aclose())
        finally:
            self._runner.close()

    def states(self) -> Iterator[CallState]:
        """Yield all calls, chunk by chunk."""
        from_us, to_us = self._window
        window = TimeWindow(from_us - LOOKBACK_US, to_us)
        chunks = self._runner.run(calls_of_window(self._store, self._tenant, window)).chunks()
        try:
            while (records := self._runner.run(anext(chunks, b""))) != b"":
                yield from (mark_outside(state, self._window) for state in chunk_states(records))
        finally:
            self._runner.run(chunks.aclose())

    def find(self, call_sid: str) -> CallState | None:
        """Look up the call that has or had this SID."""
        operation = find_call(self._tenant, call_sid)
        record = self._runner.run(self._store.read(operation))
        return None if record is None else next(chunk_states(record), None)

    async def _opened(self) -> Store:
        store = await self._stack.enter_async_context(opened_store(load_settings(), wall_clock))
        try:
            await store.read(need_tenant(self._tenant))
        except BaseException:
            await self._stack.aclose()
            raise
        return store
