"""Reads from a copy of the database that lags behind it: never older than who reads may rely on.

Whatever goes wrong there is answered by the primary, so nothing here is told to whoever asks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Final, NamedTuple, TypeVar

import psycopg

from calltally.calls.errors import CalltallyError, Misconfigured
from calltally.logs import get_logger
from calltally.store.backends.postgres.executor import Asking, AskingReplica, read_on
from calltally.store.backends.postgres.options import PostgresOptions
from calltally.store.backends.postgres.pipeline import Link
from calltally.store.backends.postgres.pool import Links, connect
from calltally.store.db.operation import Rows, Statement, StoreOperation
from calltally.store.db.statements import Statements

T = TypeVar("T")

# After it failed, so long everything goes to the primary; then one read tries again.
_REST_S: Final = 5.0
# What takes longer than this is better asked of the primary: to find a free connection, to make one, to
# have an answer.
_FREE_S: Final = 0.2
_CONNECT_S: Final = 2
_ANSWER_S: Final = 5.0
# What of PostgreSQL's codes says that the server, not the statement, is the matter.
_SERVER_STATES: Final = ("08", "57P")

log: Final = get_logger(__name__)


class AskPrimary(Exception):
    """The primary has to answer this one."""


class _Need(NamedTuple):
    """What a read must show at least."""

    tenant: str
    revision: int


class Replica:
    """A read replica by the side of a primary, whose `identity` its own must equal."""

    def __init__(
        self,
        options: PostgresOptions,
        statements: Statements,
        identity: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._url = options.read_url or ""
        self._statements = statements
        self._identity = identity
        self._links = Links(self._connect, options.connections, _FREE_S)
        self._committed: dict[str, int] = {}
        self._shared = options.heads
        self._rests_until = 0.0

    def note(self, heads: Mapping[str, int]) -> None:
        """Remember what was committed: from now on no read may show less."""
        for tenant, revision in heads.items():
            self._committed[tenant] = max(revision, self._committed.get(tenant, 0))
            if self._shared is not None:
                self._shared.put(tenant, revision)

    async def read(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int, long: bool
    ) -> T:
        """Run a step. Raises AskPrimary where it is not to be run here, or not to be believed."""
        if perf_counter() < self._rests_until:
            raise AskPrimary
        asked = _Need(tenant, max(at_least, self._expected(tenant)))
        try:
            async with asyncio.timeout(None if long else _ANSWER_S), self._links.borrowed() as link:
                asking = AskingReplica(link, self._statements, *asked)
                result = await read_on(link, make(), asking, long=long)
        except (psycopg.Error, CalltallyError, TimeoutError) as fault:
            # What is not there may only be not there yet, so refusals are the primary's to make too.
            self._judge(fault)
            raise AskPrimary from fault
        if asking.shown >= self._committed.get(tenant, 0):
            self._committed.pop(tenant, None)
        return result

    def _expected(self, tenant: str) -> int:
        shared = 0.0 if self._shared is None else self._shared.get(tenant)
        return max(int(shared), self._committed.get(tenant, 0))

    def _judge(self, fault: Exception) -> None:
        """Let the replica rest where it is the matter, rather than what was asked or how far it is."""
        state = fault.sqlstate if isinstance(fault, psycopg.Error) else None
        is_fault_of_server = isinstance(fault, psycopg.OperationalError | Misconfigured | TimeoutError)
        if is_fault_of_server and (state is None or state.startswith(_SERVER_STATES)):
            self._rests_until = perf_counter() + _REST_S
            log.warning("read replica left alone", seconds=_REST_S, reason=str(fault) or "it does not answer")

    async def _connect(self) -> Link:
        link = await connect(self._url, connect_s=_CONNECT_S)
        try:
            await self._check(link)
        except BaseException:
            link.close()
            raise
        return link

    async def _check(self, link: Link) -> None:
        """Nobody may be told what another database says."""
        ours, theirs = await self._identity(), await identity_on(link, self._statements)
        if ours and theirs and ours != theirs:
            raise Misconfigured("CALLTALLY_READ_URL names no replica of CALLTALLY_DATABASE_URL")

    async def close(self) -> None:
        """Hang up."""
        await self._links.close()


async def identity_on(link: Link, statements: Statements) -> str | None:
    """Which database this is, or is a copy of; None where it does not say."""
    try:
        rows = await read_on(link, _identity(), Asking(link, statements))
    except psycopg.ProgrammingError:
        return None
    return rows[0][0] if rows else None


def _identity() -> StoreOperation[Rows]:
    return (yield Statement("meta_identity", {}))
