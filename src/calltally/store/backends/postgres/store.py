"""The shared store: PostgreSQL by psycopg 3. Any number of processes may read and write it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import psycopg

from calltally.calls.errors import Misconfigured, Unavailable
from calltally.store.backends.group_commit import Writer
from calltally.store.backends.postgres.citus import is_distributed
from calltally.store.backends.postgres.executor import Asking, AskingWriter, commit_on, read_on
from calltally.store.backends.postgres.options import DEFAULTS, PostgresOptions
from calltally.store.backends.postgres.pipeline import Link
from calltally.store.backends.postgres.pool import Links, connect
from calltally.store.backends.postgres.replica import AskPrimary, Replica, identity_on
from calltally.store.backends.schema import NO_TABLES
from calltally.store.db.interface import ErrorTranslation, Submission, SubmissionResult
from calltally.store.db.operation import Clock, StoreOperation
from calltally.store.db.statements import Statements

T = TypeVar("T")

_NOT_NOW: Final = (psycopg.OperationalError, psycopg.InterfaceError)


class PostgresStore:
    """One database. Reads take a connection of the pool; writes go through one writer a process."""

    dialect = "postgres"

    def __init__(self, url: str, clock: Clock, options: PostgresOptions = DEFAULTS) -> None:
        self._url = url
        self._statements = Statements(self.dialect)
        self._links = Links(partial(connect, url), options.connections)
        self._replica = Replica(options, self._statements, self._identity) if options.read_url else None
        self._known_identity: str | None = None
        self._writing: Link | None = None
        self._writer = Writer(self._transact, clock)

    @property
    def queued_writes(self) -> int:
        """Requests that wait for the writer now."""
        return self._writer.queued_writes

    @property
    def stalled_s(self) -> float:
        """Seconds since the first request to write after the last commit; 0 where all were committed."""
        return self._writer.stalled_s

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        """Run a reading step in one repeatable-read transaction; a `long` one without a time limit."""
        with TOLD_APART:
            async with self._links.borrowed() as link:
                if self._statements.is_distributed is None:
                    await self._look(link)
                return await read_on(link, operation, Asking(link, self._statements), long=long)

    async def read_tenant(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int = 0, long: bool = False
    ) -> T:
        """Run a step that reads one tenant's ledger, on the replica where that shows enough."""
        if self._replica is not None:
            with suppress(AskPrimary):
                return await self._replica.read(tenant, make, at_least=at_least, long=long)
        return await self.read(make(), long=long)

    async def write(self, operation: StoreOperation[T]) -> T:
        """Run a step as one transaction of the writer."""
        return await self._writer.write(operation)

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        """Record facts with whatever else is queued."""
        return await self._writer.submit(submissions, in_one_commit=in_one_commit) if submissions else []

    def subscribe_to_commits(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called behind each commit of facts, until what is returned is called."""
        return self._writer.subscribe_to_commits(told)

    async def close(self) -> None:
        """Finish what is queued and close the connections."""
        await self._writer.close()
        await self._links.close()
        if self._replica is not None:
            await self._replica.close()
        if self._writing is not None:
            self._writing.close()

    async def _transact(self, operation: StoreOperation[T]) -> T:
        with TOLD_APART:
            link = await self._link_to_write()
            asking = AskingWriter(link, self._statements)
            result = await commit_on(link, operation, asking)
            if self._replica is not None:
                self._replica.note(asking.heads)
            return result

    async def _link_to_write(self) -> Link:
        """The writer's connection, made anew after the server closed it."""
        if self._writing is None or self._writing.is_broken:
            link = await connect(self._url)
            try:
                self._writer.per_tenant = await self._look(link)
            except BaseException:
                link.close()
                raise
            self._writing = link
        return self._writing

    async def _look(self, link: Link) -> bool:
        """Whether tenants may be on different machines: then each statement has to say on whose."""
        has_many_nodes = await read_on(link, is_distributed(), Asking(link, self._statements))
        self._statements.is_distributed = has_many_nodes
        return has_many_nodes

    async def _identity(self) -> str | None:
        if self._known_identity is None:
            async with self._links.borrowed() as link:
                self._known_identity = await identity_on(link, self._statements)
        return self._known_identity


def _tell_apart(fault: psycopg.Error) -> None:
    """A database that cannot answer now is not a fault of the program."""
    if isinstance(fault, psycopg.errors.UndefinedTable):
        raise Misconfigured(NO_TABLES) from fault
    # One is counted among the operational ones, but it is the request that is too large: it fails alone.
    if isinstance(fault, _NOT_NOW) and not isinstance(fault, psycopg.errors.ProgramLimitExceeded):
        message = "the database cannot answer now; nothing was recorded unless a repeat says so, try again"
        raise Unavailable(message) from fault


TOLD_APART: Final = ErrorTranslation(psycopg.Error, _tell_apart)
