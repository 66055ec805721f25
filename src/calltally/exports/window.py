"""A window of calls as of one snapshot, read a chunk at a time: no transaction outlives its chunk."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from msgspec.structs import replace

from calltally.calls.errors import DamagedStore
from calltally.calls.filters import ListQuery
from calltally.calls.times import parse_instant
from calltally.store.listing import SEPARATOR, Listed, is_seek, next_calls
from calltally.store.store import Store

# A chunk is about so many bytes: enough that what a statement costs does not count, little enough that a
# few of them are no memory to speak of.
CHUNK_BYTES: Final = 1024 * 1024
MOST_ROWS: Final = 1_000
FIRST_ROWS: Final = 500
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

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The sealed records, joined by SEPARATOR; the next chunk is read while this one is worked on.

        Raises SnapshotGone where the reader is slower than the snapshot is kept, and DamagedStore rather
        than end with fewer calls than were counted.
        """
        cursor = _Cursor(self._query, self._first, self.rows)
        records = self._first.records
        while cursor.left:
            cursor.pass_over(records)
            coming = asyncio.create_task(self._read(cursor.following())) if cursor.left else None
            try:
                yield records
                records = await coming if coming else b""
            finally:
                if coming:
                    await _ended(coming)

    async def _read(self, query: ListQuery) -> bytes:
        return await self._store.read_tenant(self._tenant, lambda: next_calls(self._tenant, query), long=True)


async def _ended(task: asyncio.Task[bytes]) -> None:
    """Not left behind when the reader goes away: nobody else asks for what became of it."""
    task.cancel()
    if not task.done():
        await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


class _Cursor:
    """How far a window is read, and which query goes on from there.

    Where counters answer, by the offset, which costs the same anywhere. Else by time: each chunk begins at
    the instant at which the last one ended, so that nothing is counted or passed over twice.
    """

    def __init__(self, query: ListQuery, first: Listed, rows: int) -> None:
        self.left = rows
        self._by_offset = is_seek(query.filter)
        self._query = replace(query, snapshot=first.snapshot, hold=None, after=None, offset=first.offset)

    def pass_over(self, records: bytes) -> None:
        """Note a chunk that was read; raises DamagedStore where it is not what was asked for."""
        count = records.count(b"\n") + 1 if records else 0
        if count != min(self._query.limit, self.left):
            message = "the store has fewer calls than it counted; run `calltally verify`"
            raise DamagedStore(message)
        self.left -= count
        self._query = self._moved(records, count) if self.left else self._query

    def following(self) -> ListQuery:
        """The query of the next chunk."""
        return self._query

    def _moved(self, records: bytes, count: int) -> ListQuery:
        fitting = CHUNK_BYTES * count // len(records)
        limit = min(max(fitting, 1), MOST_ROWS, self.left)
        instant_us, at_it = (0, count) if self._by_offset else _end_of(records)
        if at_it == count:
            # By time only from where the instant changes: of the first there may be calls before this chunk.
            return replace(self._query, limit=limit, offset=self._query.offset + count)
        is_up = self._query.order == "asc"
        bounds = {"from_us": instant_us} if is_up else {"to_us": instant_us + 1}
        calls = replace(self._query.filter, **bounds)
        return replace(self._query, filter=calls, limit=limit, offset=at_it)


def _end_of(records: bytes) -> tuple[int, int]:
    """When the last call was created, and how many of the last calls were created then."""
    last, count = None, 0
    for record in reversed(records.split(SEPARATOR)):
        created = _created(record)
        if last is not None and created != last:
            break
        last, count = created, count + 1
    return parse_instant((last or b"").decode()), count


def _created(record: bytes) -> bytes:
    # The first of that name is the record's own: in a text before it the quotes would be escaped.
    return record.partition(_CREATED)[2].partition(b'"')[0]
