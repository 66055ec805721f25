"""Connections to an SQLite file by apsw, as the ledger's promises want them, and what their faults mean."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from calltally.calls.errors import DamagedStore, Misconfigured, Unavailable
from calltally.store.backends.schema import NO_TABLES
from calltally.store.db.interface import ErrorTranslation

BUSY_MS: Final = 10_000
# Shorter than the pause between two commits of an import, so that whoever waits gets in there. SQLite's own
# wait looks again after 100 ms, and misses that pause for seconds.
_RETRY_S: Final = 0.002
_CACHE_KIB: Final = 64 * 1024
# The most that the driver takes. It keeps them in a ring that goes one further with each row of an
# executemany: in one of 100 a commit of 30 facts prepared nearly all of its statements anew.
_KEPT_STATEMENTS: Final = 512
_NOT_NOW: Final = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
)


def _tell_apart(fault: apsw.Error) -> None:
    """A database that cannot answer now is not a fault of the program."""
    if isinstance(fault, _NOT_NOW):
        message = f"the database cannot answer now ({fault}); nothing was recorded, try again"
        raise Unavailable(message) from fault
    if isinstance(fault, apsw.NotADBError):
        message = "the file that CALLTALLY_DATABASE_URL names is no SQLite database"
        raise Misconfigured(message) from fault
    if isinstance(fault, apsw.CorruptError):
        message = f"the database file is damaged ({fault}); restore it from a backup"
        raise DamagedStore(message) from fault
    if isinstance(fault, apsw.SQLError) and str(fault).startswith("no such table"):
        raise Misconfigured(NO_TABLES) from fault


TOLD_APART: Final = ErrorTranslation(apsw.Error, _tell_apart)


def connect(path: Path) -> apsw.Connection:
    """A connection with the settings that the ledger's promises rest on.

    `synchronous=FULL` syncs the WAL in each commit: with NORMAL an acknowledged fact could be lost
    with the power. Grouped, it costs a tenth of the rate.
    """
    with TOLD_APART:
        connection = apsw.Connection(
            str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=_KEPT_STATEMENTS
        )
        connection.set_busy_timeout(BUSY_MS)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "FULL")
        connection.pragma("cache_size", -_CACHE_KIB)
        return connection


def connect_to_read(path: Path) -> apsw.Connection:
    """One that never writes."""
    connection = connect(path)
    connection.pragma("query_only", "on")
    return connection


def retry_lock(most_ms: int) -> Callable[[int], bool]:
    """Return a busy handler that looks for the lock every two milliseconds, for `most_ms` at the longest."""
    until_s = time.monotonic() + most_ms / 1000

    def retry(_tries: int) -> bool:
        time.sleep(_RETRY_S)
        return time.monotonic() < until_s

    return retry
