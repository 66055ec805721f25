"""A window of calls as of one snapshot, read a chunk at a time: no transaction outlives its chunk."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import DamagedStore
from calltally.calls.filters import ListQuery
from calltally.calls.times import parse_instant
from calltally.store.db.interface import Store
from calltally.store.listing.list_calls import LINE_FEED, SEPARATOR, Listed, is_seek, next_calls

# A chunk is about so many bytes: enough that what a statement costs does not count, little enough that a
# few of them are no memory to speak of, and that the processor's caches hold what is made of one.
CHUNK_BYTES: Final = 5 * 256 * 1024
MOST_ROWS: Final = 4_000
FIRST_ROWS: Final = 500
# Two processors read faster than one; and a disk that is asked for two things at once.
_AHEAD: Final = 2
_CREATED: Final = b'"created_at":"'


def first_chunk(query: ListQuery, most: int | None) -> ListQuery:
    """The query whose answer begins a window of at most so many calls (None: of all that there are)."""
    limit = FIRST_ROWS if most is None else min(most, FIRST_ROWS)
    return replace(query, limit=limit)


class Window:
    """A window of `tenant`'s calls, of which the first chunk is there: `first`, the answer to `query`.

    It has at most `most` calls; `rows` is how many in all, exactly.
    """

    def __init__(
        self, store: Store, tenant: str, query: ListQuery, first: Listed, *, most: int | None = None
    ) -> None:
        left = max(first.total - first.offset, 0)
        self.rows = left if most is None else min(most, left)
        self._store = store
        self._tenant = tenant
        self._query = query
        self._first = first

    async def chunks(self, each_bytes: int | None = None) -> AsyncGenerator[bytes]:
        """The sealed records, joined by LINE_FEED; the next ones are read while one is worked on.

        A chunk has about so many bytes, None: as many as most readers take best.
        Raises SnapshotGone where the reader is slower than the snapshot is kept, and DamagedStore rather
        than end with fewer calls than were counted.
        """
        base = replace(self._query, snapshot=self._first.snapshot, hold=None, after=None)
        begin = position_of(base, self._first.offset, self.rows)
        first = Chunk(begin, base.limit, self._first.records.replace(SEPARATOR, LINE_FEED))
        # A file is read by several at once. Each connection to a server is one that others may wait for.
        ahead = _AHEAD if self._store.dialect == "sqlite" else 1
        chunks = chunks_from(base, first, self._read, ahead=ahead, each_bytes=each_bytes)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk.records

    async def _read(self, query: ListQuery) -> bytes:
        return await self._store.read_tenant(self._tenant, lambda: next_calls(self._tenant, query), long=True)


class Position(msgspec.Struct, frozen=True):
    """A place in a window: how many calls are left from there, and what a query asks for to begin at it.

    Where counters answer it moves by the offset, which costs the same anywhere. Else by time: it begins at
    the instant at which the last chunk ended, so that nothing is counted or passed over twice.
    """

    left: int
    offset: int
    from_us: int | None
    to_us: int | None


class Chunk(NamedTuple):
    """What was read at a position, where at most `limit` calls were asked for."""

    at: Position
    limit: int
    records: bytes


def position_of(base: ListQuery, offset: int, left: int) -> Position:
    """The place that lies so far into the window of `base`, and has so many calls from there on."""
    return Position(left, offset, base.filter.from_us, base.filter.to_us)


async def chunks_from(
    base: ListQuery,
    first: Chunk,
    read: Callable[[ListQuery], Awaitable[bytes]],
    *,
    ahead: int = 1,
    each_bytes: int | None = None,
) -> AsyncGenerator[Chunk]:
    """A chunk that is there and all behind it; as many as `ahead` are read while one is worked on.

    More than one are where counters answer, so that it is known beforehand where each begins. `base` says of
    which snapshot, `each_bytes` how large a chunk is. Raises DamagedStore where the window ends before its
    calls do.
    """
    fitting_bytes = each_bytes or CHUNK_BYTES
    most = ahead if is_seek(base.filter) else 1
    coming: deque[tuple[Chunk, asyncio.Future[bytes]]] = deque()
    chunk = last = first
    try:
        while chunk.at.left:
            _check(chunk)
            while len(coming) < most and (following := _behind(base, last, chunk, fitting_bytes)).at.left:
                query, last = query_at(base, following.at, following.limit), following
                coming.append((following, asyncio.ensure_future(read(query))))
            yield chunk
            if not coming:
                return
            following, reading = coming[0]
            chunk = following._replace(records=await reading)
            last = chunk if last is following else last
            coming.popleft()
    finally:
        for _chunk, reading in coming:
            await _ended(reading)


def query_at(base: ListQuery, at: Position, limit: int) -> ListQuery:
    """The query of up to so many calls from a place on."""
    calls = replace(base.filter, from_us=at.from_us, to_us=at.to_us)
    return replace(base, filter=calls, offset=at.offset, limit=limit)


def _check(chunk: Chunk) -> None:
    """Raises DamagedStore if it is short."""
    if row_count(chunk.records) != _count(chunk):
        message = "the store has fewer calls than it counted; run `calltally verify`"
        raise DamagedStore(message)


def _count(chunk: Chunk) -> int:
    """How many calls a chunk must have."""
    return min(chunk.limit, chunk.at.left)


def _behind(base: ListQuery, last: Chunk, known: Chunk, fitting_bytes: int) -> Chunk:
    """The chunk behind the last, as large as one should be that resembles the last that is known."""
    fitting = fitting_bytes * _count(known) // len(known.records)
    at = _moved_by(base, last.at, last.records, _count(last))
    return Chunk(at, min(max(fitting, 1), MOST_ROWS, max(at.left, 1)), b"")


def row_count(records: bytes) -> int:
    """How many records there are."""
    # To find each takes half of what `count` takes, which looks at one byte after the other.
    count, at = 0, 0
    while at >= 0 and records:
        count, at = count + 1, records.find(LINE_FEED, at + 1)
    return count


def moved(base: ListQuery, at: Position, records: bytes) -> Position:
    """The place behind `records`, of which there is at least one, read from `at` on."""
    return _moved_by(base, at, records, row_count(records))


def _moved_by(base: ListQuery, at: Position, records: bytes, count: int) -> Position:
    left = at.left - count
    instant_us, at_it = (0, count) if is_seek(base.filter) else _end_of(records)
    if at_it == count:
        # By time only from where the instant changes: of the first there may be calls before this chunk.
        return replace(at, left=left, offset=at.offset + count)
    is_up = base.order == "asc"
    bound: dict[str, int] = {"from_us": instant_us} if is_up else {"to_us": instant_us + 1}
    return replace(at, left=left, offset=at_it, **bound)


async def _ended(task: "asyncio.Future[bytes]") -> None:
    """Not left behind when the reader goes away: nobody else asks for what became of it."""
    task.cancel()
    if not task.done():
        await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


def _end_of(records: bytes) -> tuple[int, int]:
    """When the last call was created, and how many of the last calls were created then."""
    last, count = None, 0
    for record in reversed(records.split(LINE_FEED)):
        created = created_text(record)
        if last is not None and created != last:
            break
        last, count = created, count + 1
    return parse_instant((last or b"").decode()), count


def created_text(record: bytes) -> bytes:
    """When a sealed record's call was created, as it says so."""
    # The first of that name is the record's own: in a text before it the quotes would be escaped.
    return record.partition(_CREATED)[2].partition(b'"')[0]
