"""Call window of one snapshot, read in chunks; no transaction outlives its chunk."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import DamagedStore
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.calls.times import parse_instant
from calltally.calls.windows import TimeWindow
from calltally.store.db.interface import Store
from calltally.store.listing.list_calls import ListedPage, is_seek, list_calls, next_calls
from calltally.store.listing.seek import LINE_FEED, SEPARATOR

# Large enough that the cost of a statement does not count. Small enough that a few chunks need little memory
# and that the data made from one fits into the processor's caches.
CHUNK_BYTES: Final = 5 * 256 * 1024
MOST_ROWS: Final = 4_000
FIRST_ROWS: Final = 500
# Two processors read faster than one, and a disk serves two requests at once.
_SQLITE_READS_AHEAD: Final = 2
_CREATED: Final = b'"created_at":"'


def first_chunk_query(query: ListQuery, most: int | None) -> ListQuery:
    """Return the query of the first chunk of a window of at most `most` calls (None: no limit)."""
    limit = FIRST_ROWS if most is None else min(most, FIRST_ROWS)
    return replace(query, limit=limit)


class CallWindow:
    """Window of a tenant's calls; `first` is the result of `query`, its first chunk.

    The window has at most `most` calls. `rows` is the exact number of its calls.
    """

    def __init__(
        self, store: Store, tenant: str, query: ListQuery, first: ListedPage, *, most: int | None = None
    ) -> None:
        left = max(first.total - first.offset, 0)
        self.rows = left if most is None else min(most, left)
        self._store = store
        self._tenant = tenant
        self._query = query
        self._first = first

    async def chunks(self, each_bytes: int | None = None) -> AsyncGenerator[bytes]:
        """Yield the finished records, joined by LINE_FEED. Reads ahead while the caller works.

        A chunk has about `each_bytes` bytes; None selects a size that suits most readers. Raises SnapshotGone
        if the snapshot expires before the reader is done. Raises DamagedStore if the store returns fewer
        calls than it counted.
        """
        base = replace(self._query, snapshot=self._first.snapshot, hold=None, after=None)
        begin = position_of(base, self._first.offset, self.rows)
        first = RecordChunk(begin, base.limit, self._first.records.replace(SEPARATOR, LINE_FEED))
        # A SQLite file serves several readers at once. A server connection is a resource that others wait
        # for.
        ahead = _SQLITE_READS_AHEAD if self._store.dialect == "sqlite" else 1
        chunks = chunks_from(base, first, self._read, ahead=ahead, each_bytes=each_bytes)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk.records

    async def _read(self, query: ListQuery) -> bytes:
        return await self._store.read_tenant(self._tenant, lambda: next_calls(self._tenant, query), long=True)


async def calls_of_window(store: Store, tenant: str, window: TimeWindow, *, at_least: int = 0) -> CallWindow:
    """Return the calls of a window from one snapshot, at revision `at_least` of the ledger or later."""
    calls = CallFilter(from_us=window.from_us, to_us=window.to_us)
    query = first_chunk_query(ListQuery(filter=calls, order="asc"), None)
    first = await store.read_tenant(tenant, lambda: list_calls(tenant, query), at_least=at_least, long=True)
    return CallWindow(store, tenant, query, first)


class WindowPosition(msgspec.Struct, frozen=True):
    """Position in a window: the number of calls left, and the query parameters to resume there.

    Queries with counters move by the offset, which costs the same at any depth. Other queries move by time:
    they resume at the creation time of the last call, so no call is counted or skipped twice.
    """

    left: int
    offset: int
    from_us: int | None
    to_us: int | None


class RecordChunk(NamedTuple):
    """Records read at a position with a limit."""

    at: WindowPosition
    limit: int
    records: bytes


def position_of(base: ListQuery, offset: int, left: int) -> WindowPosition:
    """Return the position at `offset` in the window of `base` with `left` calls after it."""
    return WindowPosition(left, offset, base.filter.from_us, base.filter.to_us)


async def chunks_from(
    base: ListQuery,
    first: RecordChunk,
    read: Callable[[ListQuery], Awaitable[bytes]],
    *,
    ahead: int = 1,
    each_bytes: int | None = None,
) -> AsyncGenerator[RecordChunk]:
    """Yield the first chunk and all following ones, with up to `ahead` reads in flight.

    Only queries with counters read more than one chunk ahead: their next positions are known in advance.
    `base` names the snapshot, `each_bytes` is the size of a chunk. Raises DamagedStore if the window ends
    early.
    """
    chunk_bytes = each_bytes or CHUNK_BYTES
    most = ahead if is_seek(base.filter) else 1
    reads: deque[tuple[RecordChunk, asyncio.Future[bytes]]] = deque()
    chunk = last = first
    try:
        while chunk.at.left:
            _check(chunk)
            while len(reads) < most and (following := _next_chunk(base, last, chunk, chunk_bytes)).at.left:
                query, last = query_at(base, following.at, following.limit), following
                reads.append((following, asyncio.ensure_future(read(query))))
            yield chunk
            if not reads:
                return
            following, reading = reads[0]
            chunk = following._replace(records=await reading)
            last = chunk if last is following else last
            reads.popleft()
    finally:
        for _chunk, reading in reads:
            await _cancel_and_wait(reading)


def query_at(base: ListQuery, at: WindowPosition, limit: int) -> ListQuery:
    """Return the query of up to `limit` calls at a position."""
    calls = replace(base.filter, from_us=at.from_us, to_us=at.to_us)
    return replace(base, filter=calls, offset=at.offset, limit=limit)


def _check(chunk: RecordChunk) -> None:
    """Raise DamagedStore if the chunk has too few records."""
    if row_count(chunk.records) != _count(chunk):
        message = "the store returned fewer calls than it counted; run `calltally verify`"
        raise DamagedStore(message)


def _count(chunk: RecordChunk) -> int:
    return min(chunk.limit, chunk.at.left)


def _next_chunk(base: ListQuery, last: RecordChunk, sample: RecordChunk, fitting_bytes: int) -> RecordChunk:
    """Return the chunk after `last`, with a limit that fits the record size of the chunk `sample`."""
    fitting = fitting_bytes * _count(sample) // len(sample.records)
    at = _moved_by(base, last.at, last.records, _count(last))
    return RecordChunk(at, min(max(fitting, 1), MOST_ROWS, max(at.left, 1)), b"")


def row_count(records: bytes) -> int:
    # `find` of each line feed takes half the time of `count`, which reads byte by byte.
    count, at = 0, 0
    while at >= 0 and records:
        count, at = count + 1, records.find(LINE_FEED, at + 1)
    return count


def position_after(base: ListQuery, at: WindowPosition, records: bytes) -> WindowPosition:
    """Return the position after `records`, at least one, which were read at `at`."""
    return _moved_by(base, at, records, row_count(records))


def _moved_by(base: ListQuery, at: WindowPosition, records: bytes, count: int) -> WindowPosition:
    left = at.left - count
    instant_us, at_instant = (0, count) if is_seek(base.filter) else _end_of(records)
    if at_instant == count:
        # Move by time only if the creation time changes: earlier chunks may have calls of the first instant.
        return replace(at, left=left, offset=at.offset + count)
    is_up = base.order == "asc"
    bound: dict[str, int] = {"from_us": instant_us} if is_up else {"to_us": instant_us + 1}
    return replace(at, left=left, offset=at_instant, **bound)


async def _cancel_and_wait(task: "asyncio.Future[bytes]") -> None:
    """Cancel a read and wait for its end. Its error is ignored, because the reader is gone."""
    task.cancel()
    if not task.done():
        await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


def _end_of(records: bytes) -> tuple[int, int]:
    """Return the creation time of the last call, and the number of trailing calls with that time."""
    last, count = None, 0
    for record in reversed(records.split(LINE_FEED)):
        created = created_text(record)
        if last is not None and created != last:
            break
        last, count = created, count + 1
    return parse_instant((last or b"").decode()), count


def created_text(record: bytes) -> bytes:
    # The first match is the record's own field: the quotes in an earlier text would be escaped.
    return record.partition(_CREATED)[2].partition(b'"')[0]
