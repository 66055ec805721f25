"""Chunks that are read ahead: in order, within the limit, and without tasks left behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import DamagedStore
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.exports import window
from calltally.exports.window import RecordChunk, chunks_from, position_of

QUERY = ListQuery(snapshot="s", limit=3)


def record(number: int) -> bytes:
    return b'{"created_at":"2026-10-01T00:00:00.%06dZ"}' % number


class Ledger:
    """Calls whose pages are released by hand."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.requested: list[tuple[int, int]] = []
        self.running = 0
        self.most_running = 0
        self.gate = asyncio.Event()

    async def read(self, query: ListQuery) -> bytes:
        self.requested.append((query.offset, query.limit))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        return self.page(query.offset, query.limit)

    def page(self, offset: int, limit: int) -> bytes:
        return b"\n".join(record(number) for number in range(offset, min(offset + limit, self.calls)))

    def first(self, calls: int) -> RecordChunk:
        return RecordChunk(position_of(QUERY, 0, calls), QUERY.limit, self.page(0, QUERY.limit))


async def take(chunks: AsyncIterator[RecordChunk], on_chunk: Callable[[int], None]) -> None:
    """Report the number of calls of each chunk."""
    async for chunk in chunks:
        on_chunk(chunk.records.count(b"\n") + 1)


@given(calls=st.integers(0, 60), most_rows=st.integers(1, 9), ahead=st.integers(1, 4))
def test_chunks_arrive_in_order_for_any_read_ahead(calls: int, most_rows: int, ahead: int) -> None:
    async def read() -> list[bytes]:
        ledger = Ledger(calls)
        ledger.gate.set()
        chunks = chunks_from(QUERY, ledger.first(calls), ledger.read, ahead=ahead)
        return [line async for chunk in chunks for line in chunk.records.split(b"\n")]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(window, "MOST_ROWS", most_rows)
        assert asyncio.run(read()) == [record(number) for number in range(calls)]


@pytest.mark.parametrize(
    ("calls", "expected"), [(CallFilter(), 2), (CallFilter(statuses=("busy",)), 2), (CallFilter(q="door"), 1)]
)
def test_several_chunks_are_read_ahead_if_positions_are_known(calls: CallFilter, expected: int) -> None:
    async def read() -> Ledger:
        ledger = Ledger(2 * window.MOST_ROWS + 3)
        query = ListQuery(filter=calls, snapshot="s", limit=3)
        async with aclosing(chunks_from(query, ledger.first(ledger.calls), ledger.read, ahead=2)) as chunks:
            await anext(chunks)
            await asyncio.sleep(0)
            assert ledger.running == expected
        assert ledger.running == 0
        return ledger

    assert len(asyncio.run(read()).requested) == expected


def test_short_chunk_ends_window_with_error() -> None:
    async def read(calls: int) -> list[int]:
        ledger = Ledger(10)
        ledger.gate.set()
        sizes: list[int] = []
        async with aclosing(chunks_from(QUERY, ledger.first(calls), ledger.read, ahead=3)) as chunks:
            with pytest.raises(DamagedStore, match="fewer calls than it counted"):
                await take(chunks, sizes.append)
        assert ledger.running == 0
        return sizes

    assert asyncio.run(read(11)) == [3]


def test_read_error_is_raised_in_chunk_order() -> None:
    class Failing(Ledger):
        async def read(self, query: ListQuery) -> bytes:
            if query.offset >= 6:
                raise DamagedStore("a page cannot be read")
            return await super().read(query)

    async def read() -> list[int]:
        ledger = Failing(30)
        ledger.gate.set()
        sizes: list[int] = []
        async with aclosing(chunks_from(QUERY, ledger.first(30), ledger.read, ahead=3)) as chunks:
            with pytest.raises(DamagedStore, match="a page cannot be read"):
                await take(chunks, sizes.append)
        return sizes

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(window, "MOST_ROWS", 3)
        assert asyncio.run(read()) == [3, 3]
