"""Chunks that are read ahead: in their order, as many as were asked for, and none is left behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import DamagedStore
from calltally.calls.filters import CallFilter, ListQuery
from calltally.exports import window
from calltally.exports.window import Chunk, chunks_from, position_of

SEEN = ListQuery(snapshot="s", limit=3)


def record(number: int) -> bytes:
    return b'{"created_at":"2026-10-01T00:00:00.%06dZ"}' % number


class Ledger:
    """So many calls, of which pages are read by hand."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.asked: list[tuple[int, int]] = []
        self.under_way = 0
        self.most_under_way = 0
        self.gate = asyncio.Event()

    async def read(self, query: ListQuery) -> bytes:
        self.asked.append((query.offset, query.limit))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        return self.page(query.offset, query.limit)

    def page(self, offset: int, limit: int) -> bytes:
        return b"\n".join(record(number) for number in range(offset, min(offset + limit, self.calls)))

    def first(self, told: int) -> Chunk:
        return Chunk(position_of(SEEN, 0, told), SEEN.limit, self.page(0, SEEN.limit))


async def take(chunks: AsyncIterator[Chunk], told: Callable[[int], None]) -> None:
    """Tell how many calls each has."""
    async for chunk in chunks:
        told(chunk.records.count(b"\n") + 1)


@given(calls=st.integers(0, 60), most_rows=st.integers(1, 9), ahead=st.integers(1, 4))
def test_they_come_in_their_order_however_many_are_read_ahead(calls: int, most_rows: int, ahead: int) -> None:
    async def read() -> list[bytes]:
        ledger = Ledger(calls)
        ledger.gate.set()
        chunks = chunks_from(SEEN, ledger.first(calls), ledger.read, ahead=ahead)
        return [line async for chunk in chunks for line in chunk.records.split(b"\n")]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(window, "MOST_ROWS", most_rows)
        assert asyncio.run(read()) == [record(number) for number in range(calls)]


@pytest.mark.parametrize(
    ("calls", "expected"), [(CallFilter(), 2), (CallFilter(statuses=("busy",)), 2), (CallFilter(q="door"), 1)]
)
def test_more_than_one_are_read_where_it_is_known_where_they_begin(calls: CallFilter, expected: int) -> None:
    async def read() -> Ledger:
        ledger = Ledger(2 * window.MOST_ROWS + 3)
        query = ListQuery(filter=calls, snapshot="s", limit=3)
        async with aclosing(chunks_from(query, ledger.first(ledger.calls), ledger.read, ahead=2)) as chunks:
            await anext(chunks)
            await asyncio.sleep(0)
            assert ledger.under_way == expected
        assert ledger.under_way == 0
        return ledger

    assert len(asyncio.run(read()).asked) == expected


def test_one_that_is_short_ends_the_window_with_a_fault() -> None:
    async def read(told: int) -> list[int]:
        ledger = Ledger(10)
        ledger.gate.set()
        sizes: list[int] = []
        async with aclosing(chunks_from(SEEN, ledger.first(told), ledger.read, ahead=3)) as chunks:
            with pytest.raises(DamagedStore, match="fewer calls than it counted"):
                await take(chunks, sizes.append)
        assert ledger.under_way == 0
        return sizes

    assert asyncio.run(read(11)) == [3]


def test_a_fault_of_one_is_told_when_its_turn_comes() -> None:
    class Failing(Ledger):
        async def read(self, query: ListQuery) -> bytes:
            if query.offset >= 6:
                raise DamagedStore("a page cannot be read")
            return await super().read(query)

    async def read() -> list[int]:
        ledger = Failing(30)
        ledger.gate.set()
        sizes: list[int] = []
        async with aclosing(chunks_from(SEEN, ledger.first(30), ledger.read, ahead=3)) as chunks:
            with pytest.raises(DamagedStore, match="a page cannot be read"):
                await take(chunks, sizes.append)
        return sizes

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(window, "MOST_ROWS", 3)
        assert asyncio.run(read()) == [3, 3]
