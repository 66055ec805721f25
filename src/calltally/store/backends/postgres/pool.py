"""The connections of one process to one PostgreSQL: made when needed, kept, at most so many."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from calltally.calls.errors import Unavailable
from calltally.store.backends.postgres.pipeline import Link
from calltally.store.backends.postgres.wire import Asked

STATEMENT_TIMEOUT_S: Final = 30
LOCK_TIMEOUT_S: Final = 10
# The server ends a statement itself when its time is over. One that says nothing for longer is lost.
ANSWER_S: Final = STATEMENT_TIMEOUT_S + 5.0
WAIT_S: Final = 10.0
CONNECT_S: Final = 10
# A server that is gone without a word is noticed within 10 s, or within 3 s of its return. The URL may say
# otherwise.
_NETWORK: Final[Mapping[str, Any]] = {
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "calltally",
}
# Our statements are written for one plan whatever the values are, and to plan one anew takes longer than to
# run it (Citus plans for values or not at all). That plan goes by an index even if it is made while the
# table is empty: it is kept while the table grows. Half a millisecond is not worth compiling for. What is
# acknowledged is on the disk, even where the database was told to be quicker than that: any other level
# waits for it, and stronger ones for more. A transaction that does not say what it is reads, in one state.
_SETTINGS: Final = """
SELECT set_config(name, value, false) FROM (VALUES
    ('statement_timeout', %(statement)b::text), ('lock_timeout', %(lock)b::text),
    ('enable_seqscan', 'off'), ('jit', 'off'),
    ('default_transaction_isolation', 'repeatable read'), ('default_transaction_read_only', 'on'),
    ('plan_cache_mode', CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN 'auto'
        ELSE 'force_generic_plan' END),
    ('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
        ELSE current_setting('synchronous_commit') END)
) AS wanted (name, value)
"""


async def connect(url: str, *, connect_s: int = CONNECT_S) -> Link:
    """A connection with the settings that the store's promises rest on. Raises psycopg.OperationalError."""
    network = {"connect_timeout": connect_s, **_NETWORK, **conninfo_to_dict(url)}
    connection: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
        make_conninfo(**network), autocommit=True
    )
    try:
        link = Link(connection, connect_s)
    except OSError as fault:
        await connection.close()
        message = f"the connection cannot be watched: {fault.strerror}"
        raise psycopg.OperationalError(message) from fault
    try:
        times = {"statement": f"{STATEMENT_TIMEOUT_S}s", "lock": f"{LOCK_TIMEOUT_S}s"}
        await link.ask(Asked(_SETTINGS, times))
        await link.settle()
    except BaseException:
        link.close()
        raise
    link.answer_s = ANSWER_S
    return link


class Links:
    """A pool. What was given back last is taken first, so that few connections stay busy and warm."""

    def __init__(self, make: Callable[[], Awaitable[Link]], most: int, wait_s: float = WAIT_S) -> None:
        self._make = make
        self._wait_s = wait_s
        self._idle: list[Link] = []
        self._free = asyncio.Semaphore(most)
        self._dropping: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def borrowed(self) -> "_Borrowed":
        """One connection for as long as the block runs. Raises Unavailable where none comes free in time."""
        return _Borrowed(self)

    async def take(self) -> Link:
        """One that nobody else has until it is given back, or dropped."""
        await self._wait_for_one()
        link = None
        try:
            link = self._pop() or await self._make()
        finally:
            if link is None:
                self._free.release()
        return link

    def give_back(self, link: Link) -> None:
        """It may be handed to somebody else."""
        self._free.release()
        if self._is_closed:
            link.close()
        elif not link.is_broken:
            self._idle.append(link)

    def drop(self, link: Link) -> None:
        """What is on its way there nobody waits for any more, and whoever comes next must not."""
        self._free.release()
        dropping = asyncio.create_task(link.drop())
        self._dropping.add(dropping)
        dropping.add_done_callback(self._dropping.discard)

    async def close(self) -> None:
        """Hang up those that are idle now, and the others when they are given back."""
        self._is_closed = True
        while link := self._pop():
            link.close()
        await asyncio.gather(*self._dropping)

    async def _wait_for_one(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as fault:
            message = f"all connections to the database were busy for {self._wait_s:g} s; try again"
            raise Unavailable(message) from fault

    def _pop(self) -> Link | None:
        while self._idle:
            link = self._idle.pop()
            if not link.is_broken:
                return link
        return None


class _Borrowed:
    """A block with a connection. No generator: around each read that would take 5 us more."""

    __slots__ = ("_link", "_links")

    def __init__(self, links: Links) -> None:
        self._links = links

    async def __aenter__(self) -> Link:
        self._link = await self._links.take()
        return self._link

    async def __aexit__(self, _kind: object, fault: BaseException | None, _traceback: object) -> None:
        if isinstance(fault, asyncio.CancelledError):
            self._links.drop(self._link)
        else:
            self._links.give_back(self._link)
