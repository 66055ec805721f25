"""Transactions on PostgreSQL and their isolation levels: reads see one state, writes see what they lock."""

from contextlib import suppress
from typing import Final, TypeVar

import psycopg

from calltally.store.backends.postgres.executor import PipelineExecutor
from calltally.store.backends.postgres.pipeline import PipelineConnection
from calltally.store.backends.postgres.session_settings import (
    LONG_READ_SETTINGS,
    LONG_READ_TIMEOUT_S,
    RESPONSE_TIMEOUT_S,
)
from calltally.store.backends.postgres.wire import BoundStatement
from calltally.store.db.operation import StoreOperation, run_operation_async

T = TypeVar("T")

# The same level as the sessions' default (`session_settings`).
_BEGIN_READ: Final = (BoundStatement("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", {}),)
_BEGIN_LONG: Final = (*_BEGIN_READ, *LONG_READ_SETTINGS)
# READ COMMITTED, so that the statement after the lock on a tenant sees what was committed while it waited.
_BEGIN_WRITE: Final = BoundStatement("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE", {})
_COMMIT: Final = BoundStatement("COMMIT", {})
_ROLLBACK: Final = BoundStatement("ROLLBACK", {})


async def run_read(
    connection: PipelineConnection,
    operation: StoreOperation[T],
    execute: PipelineExecutor,
    *,
    long: bool = False,
) -> T:
    """Run an operation against one state of the database. Does not wait for the end of the transaction."""
    begin_statements = _BEGIN_LONG if long else _begin_statements(execute)
    connection.syncs_each_batch = False
    connection.response_timeout_s = LONG_READ_TIMEOUT_S + RESPONSE_TIMEOUT_S if long else RESPONSE_TIMEOUT_S
    for each in begin_statements:
        connection.queue(each)
    try:
        result = await run_operation_async(operation, execute)
    except BaseException:
        _roll_back(connection, has_transaction=bool(begin_statements))
        raise
    if begin_statements:
        connection.queue(_COMMIT)
    connection.end_transaction()
    return result


async def run_transaction(
    connection: PipelineConnection, operation: StoreOperation[T], execute: PipelineExecutor
) -> T:
    """Run an operation as one transaction; durable on return."""
    connection.syncs_each_batch = True
    connection.response_timeout_s = RESPONSE_TIMEOUT_S
    connection.queue(_BEGIN_WRITE)
    try:
        result = await run_operation_async(operation, execute)
        connection.queue(_COMMIT)
        await connection.sync()
    except BaseException:
        _roll_back(connection)
        raise
    return result


def _roll_back(connection: PipelineConnection, *, has_transaction: bool = True) -> None:
    """Roll back. After an error the server ignores all until a Sync, so send one before and one after."""
    # The server rolls back for a lost connection; the error of the loss must not hide the first error.
    with suppress(psycopg.Error):
        connection.end_transaction()
        if has_transaction:
            connection.queue(_ROLLBACK)
            connection.end_transaction()


def _begin_statements(execute: PipelineExecutor) -> tuple[BoundStatement, ...]:
    """Return the statements that begin a short read: none, as sending BEGIN takes longer than reading a row.

    The statements up to a Sync form an implicit transaction, by the connection's default a read-only one.
    On several machines BEGIN is necessary: otherwise each statement sees a different state there.
    """
    return () if execute.is_distributed is False else _BEGIN_READ
