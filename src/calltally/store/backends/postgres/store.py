"""Store in PostgreSQL through psycopg 3. Any number of processes may read and write it."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

import psycopg

from calltally.calls.errors import Misconfigured, Unavailable
from calltally.store.backends.group_commit import GroupCommitWriter
from calltally.store.backends.postgres.citus import is_distributed
from calltally.store.backends.postgres.executor import PipelineExecutor, WriteExecutor
from calltally.store.backends.postgres.options import DEFAULTS, PostgresOptions
from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.pool import PipelinePool, connect
from calltally.store.backends.postgres.replica import PrimaryRequired, Replica, read_database_identity
from calltally.store.backends.postgres.session_settings import COMMIT_TIMEOUT_S, IDLE_IN_TRANSACTION_S
from calltally.store.backends.postgres.transactions import run_read, run_transaction
from calltally.store.backends.schema import NO_TABLES
from calltally.store.db.interface import ErrorTranslation, LedgerLocked, TransactionExpired
from calltally.store.db.operation import Clock, StoreOperation, execute
from calltally.store.db.statements import Statements
from calltally.store.db.usage import StoreUsage

T = TypeVar("T")

# A standby refuses to begin a write as something that it does not support.
_READ_ONLY: Final = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.FeatureNotSupported)
_EXPIRED: Final = (psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.TransactionTimeout)
_UNAVAILABLE: Final = (psycopg.OperationalError, psycopg.InterfaceError, *_READ_ONLY)


class PostgresStore(GroupCommitWriter):
    """Store in one database. Reads use a pool of connections; all writes of a process share one writer."""

    dialect = "postgres"
    commit_timeout_s = COMMIT_TIMEOUT_S

    def __init__(self, url: str, clock: Clock, options: PostgresOptions = DEFAULTS) -> None:
        super().__init__(self._transact, clock)
        self._url = url
        self._error_translation = error_translation(url)
        self._statements = Statements(self.dialect)
        self._pool = PipelinePool(partial(connect, url), options.connections)
        self._replica = Replica(options, self._statements, self._read_identity) if options.read_url else None
        self._cached_identity: str | None = None
        self._write_connection: PipelineConnection | None = None

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        """Run a read-only operation in one repeatable-read transaction; a `long` one may take an hour."""
        with self._error_translation:
            async with self._pool.connection() as connection:
                if self._statements.is_distributed is None:
                    await self._detect_distribution(connection)
                return await run_read(
                    connection, operation, PipelineExecutor(connection, self._statements), long=long
                )

    async def read_tenant(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int = 0, long: bool = False
    ) -> T:
        """Run a read-only operation on one tenant's ledger, on the replica if that is recent enough."""
        if self._replica is not None:
            with suppress(PrimaryRequired):
                return await self._replica.read(tenant, make, at_least=at_least, long=long)
        return await self.read(make(), long=long)

    def usage(self) -> StoreUsage:
        """Return the use of the writer and of the connections that read."""
        pools = {"reads": self._pool.use}
        if self._replica is not None:
            pools["replica"] = self._replica.pool_use
        return StoreUsage(self.writer_use, pools, {})

    async def close(self) -> None:
        """Finish the queued writes and close the connections."""
        await super().close()
        await self._pool.close()
        if self._replica is not None:
            await self._replica.close()
        if self._write_connection is not None:
            self._write_connection.close()

    async def _transact(self, operation: StoreOperation[T]) -> T:
        with self._error_translation:
            connection = await self._open_write_connection()
            executor = WriteExecutor(connection, self._statements)
            try:
                result = await run_transaction(connection, operation, executor)
            except (asyncio.CancelledError, *_READ_ONLY):
                # At its timeout a commit waits for a server that may never respond. After a failover the
                # address may belong to another server, which a new connection finds.
                connection.close()
                raise
            except psycopg.errors.LockNotAvailable:
                silent = execute("meta_end_silent_writers", seconds=float(IDLE_IN_TRANSACTION_S))
                await run_transaction(connection, silent, PipelineExecutor(connection, self._statements))
                raise
            if self._replica is not None:
                self._replica.record_commits(executor.revisions)
            return result

    async def _open_write_connection(self) -> PipelineConnection:
        """Return the writer's connection; open a new one if the server closed it."""
        if self._write_connection is None or self._write_connection.is_broken:
            connection = await connect(self._url)
            try:
                self.per_tenant = await self._detect_distribution(connection)
            except BaseException:
                connection.close()
                raise
            self._write_connection = connection
        return self._write_connection

    async def _detect_distribution(self, connection: PipelineConnection) -> bool:
        """Detect whether tenants may be on different machines: then each statement has to name its tenant."""
        is_across_nodes = await run_read(
            connection, is_distributed(), PipelineExecutor(connection, self._statements)
        )
        self._statements.is_distributed = is_across_nodes
        return is_across_nodes

    async def _read_identity(self) -> str | None:
        if self._cached_identity is None:
            async with self._pool.connection() as connection:
                self._cached_identity = await read_database_identity(connection, self._statements)
        return self._cached_identity


# Refusals that a repeat does not change, in the server's English.
_REFUSED: Final = re.compile(
    r"FATAL: .*(?:(?:database|role) .* does not exist|authentication failed|no pg_hba.conf entry)"
)


def error_translation(url: str) -> ErrorTranslation[psycopg.Error]:
    """Return the translation of psycopg's errors into ours, which name the database of `url`."""
    address = database_address(url)

    def translate(fault: psycopg.Error) -> None:
        if isinstance(fault, psycopg.errors.LockNotAvailable):
            raise LedgerLocked(_unavailable(address, fault)) from fault
        if isinstance(fault, _EXPIRED):
            raise TransactionExpired(_unavailable(address, fault)) from fault
        if isinstance(fault, psycopg.errors.UndefinedTable):
            raise Misconfigured(NO_TABLES) from fault
        # psycopg counts this error as operational, but the request itself is too large: it fails alone.
        if isinstance(fault, _UNAVAILABLE) and not isinstance(fault, psycopg.errors.ProgramLimitExceeded):
            raise Unavailable(_unavailable(address, fault)) from fault

    return ErrorTranslation(psycopg.Error, translate)


def _unavailable(address: str, fault: psycopg.Error) -> str:
    cause = " ".join(str(fault).split()) or type(fault).__name__
    if _REFUSED.search(cause):
        advice = "create the database and its user, or correct CALLTALLY_DATABASE_URL"
        return f"the database {address} refuses the connection ({cause}); {advice}"
    return f"the database {address} cannot answer now ({cause}); try again: a repeat has no second effect"


def database_address(url: str) -> str:
    """Return `HOST:PORT/NAME` of a URL, without user, password and options."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2] or 'of this machine'}{parts.path}"
