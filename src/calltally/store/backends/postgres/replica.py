"""Reads from a replica of the database that may lag, but never behind the revision that a read requires.

If a read fails on the replica for any reason, the primary answers it, so clients never see these errors.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Final, TypeVar

import psycopg

from calltally.calls.errors import CalltallyError, Misconfigured
from calltally.logs import get_logger
from calltally.store.backends.postgres.executor import PipelineExecutor, ReplicaExecutor
from calltally.store.backends.postgres.options import PostgresOptions
from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.pool import PipelinePool, connect
from calltally.store.backends.postgres.transactions import run_read
from calltally.store.db.operation import StoreOperation, execute
from calltally.store.db.statements import Statements
from calltally.store.db.usage import PoolUse

T = TypeVar("T")

# Back-off after a failure: all reads go to the primary for so long, then one read tries the replica again.
_PAUSE_S: Final = 5.0
# Timeouts for a free connection, a new connection and a response. The primary is faster than waiting longer.
_POOL_WAIT_S: Final = 0.2
_CONNECT_S: Final = 2
_READ_TIMEOUT_S: Final = 5.0
# Prefixes of the PostgreSQL error codes that concern the server and not the statement.
_SERVER_STATES: Final = ("08", "57P")

log: Final = get_logger(__name__)


class PrimaryRequired(Exception):
    """The primary has to answer this read."""


class Replica:
    """Read replica of a primary. Its database identity must equal `identity`, that of the primary."""

    def __init__(
        self,
        options: PostgresOptions,
        statements: Statements,
        identity: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._url = options.read_url or ""
        self._statements = statements
        self._read_identity = identity
        self._pool = PipelinePool(self._connect, options.connections, _POOL_WAIT_S)
        self._committed: dict[str, int] = {}
        self._shared = options.shared_revisions
        self._paused_until_s = 0.0

    @property
    def pool_use(self) -> PoolUse:
        return self._pool.use

    def record_commits(self, revisions: Mapping[str, int]) -> None:
        """Record committed revisions: from now on no read may show an earlier one."""
        for tenant, revision in revisions.items():
            self._committed[tenant] = max(revision, self._committed.get(tenant, 0))
            if self._shared is not None:
                self._shared.put(tenant, revision)

    async def read(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int, long: bool
    ) -> T:
        """Run an operation on the replica. Raises PrimaryRequired if the replica fails or lags behind."""
        if perf_counter() < self._paused_until_s:
            raise PrimaryRequired
        shared = 0 if self._shared is None else int(self._shared.get(tenant))
        needed = max(at_least, shared, self._committed.get(tenant, 0))
        try:
            async with (
                asyncio.timeout(None if long else _READ_TIMEOUT_S),
                self._pool.connection() as connection,
            ):
                executor = ReplicaExecutor(connection, self._statements, tenant, needed)
                result = await run_read(connection, make(), executor, long=long)
        except (psycopg.Error, CalltallyError, TimeoutError) as fault:
            # Missing data may only be missing here so far, so the primary decides about refusals too.
            self._pause_after_server_error(fault)
            raise PrimaryRequired from fault
        if executor.visible_revision >= self._committed.get(tenant, 0):
            self._committed.pop(tenant, None)
        return result

    def _pause_after_server_error(self, fault: Exception) -> None:
        """Pause the use of the replica after an error of its server, but not of the statement or by lag."""
        state = fault.sqlstate if isinstance(fault, psycopg.Error) else None
        is_fault_of_server = isinstance(fault, psycopg.OperationalError | Misconfigured | TimeoutError)
        if is_fault_of_server and (state is None or state.startswith(_SERVER_STATES)):
            self._paused_until_s = perf_counter() + _PAUSE_S
            log.warning("read replica paused", seconds=_PAUSE_S, reason=str(fault) or "no response")

    async def _connect(self) -> PipelineConnection:
        connection = await connect(self._url, connect_s=_CONNECT_S)
        try:
            ours = await self._read_identity()
            theirs = await read_database_identity(connection, self._statements)
        except BaseException:
            connection.close()
            raise
        if ours and theirs and ours != theirs:
            connection.close()
            raise Misconfigured(
                "CALLTALLY_READ_URL names no replica of CALLTALLY_DATABASE_URL; name one, or unset it"
            )
        return connection

    async def close(self) -> None:
        await self._pool.close()


async def read_database_identity(connection: PipelineConnection, statements: Statements) -> str | None:
    """Return the identity of a database, which its replicas share; None if it cannot be read."""
    try:
        executor = PipelineExecutor(connection, statements)
        rows = await run_read(connection, execute("meta_identity"), executor)
    except psycopg.ProgrammingError:
        return None
    return rows[0][0] if rows else None
