"""Connections to an SQLite file through apsw: durability settings, locks, and translated errors."""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Final

import apsw

from calltally.calls.errors import DamagedStore, Misconfigured, Unavailable
from calltally.store.backends.schema import NO_TABLES
from calltally.store.db.interface import ErrorTranslation

BUSY_MS: Final = 10_000
# Shorter than the pause between two commits of an import, so that a waiting writer gets the lock in that
# pause. SQLite's own busy handler retries after 100 ms, and misses the pause for seconds.
_RETRY_S: Final = 0.002
_CACHE_KIB: Final = 64 * 1024
# The driver's maximum. Its cache is a ring that advances with each row of an executemany: with 100 entries,
# a commit of 30 facts had to prepare nearly all of its statements again.
_CACHED_STATEMENTS: Final = 512
_UNAVAILABLE: Final = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
)


def _translate_error(fault: apsw.Error) -> None:
    """Raise our own error for a database that is unavailable, damaged or not migrated."""
    if isinstance(fault, _UNAVAILABLE):
        message = f"the database cannot answer now ({fault}); nothing was recorded, try again"
        raise Unavailable(message) from fault
    if isinstance(fault, apsw.NotADBError):
        message = "the file that CALLTALLY_DATABASE_URL names is not an SQLite database"
        raise Misconfigured(message) from fault
    if isinstance(fault, apsw.CorruptError):
        message = f"the database file is damaged ({fault}); restore it from a backup"
        raise DamagedStore(message) from fault
    if isinstance(fault, apsw.SQLError) and str(fault).startswith("no such table"):
        raise Misconfigured(NO_TABLES) from fault


ERROR_TRANSLATION: Final = ErrorTranslation(apsw.Error, _translate_error)


def connect(path: Path) -> apsw.Connection:
    """Return a connection with the settings that the ledger's guarantees depend on.

    `synchronous=FULL` syncs the WAL in each commit: with NORMAL a power cut could lose an acknowledged fact.
    With group commit, it costs a tenth of the rate.
    """
    with ERROR_TRANSLATION:
        connection = apsw.Connection(
            str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=_CACHED_STATEMENTS
        )
        connection.set_busy_timeout(BUSY_MS)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "FULL")
        connection.pragma("cache_size", -_CACHE_KIB)
        return connection


def connect_to_read(path: Path) -> apsw.Connection:
    connection = connect(path)
    connection.pragma("query_only", "on")
    return connection


def busy_handler(max_ms: int) -> Callable[[int], bool]:
    """Return a busy handler that retries the lock every two milliseconds, for `max_ms` at most."""
    until_s = time.monotonic() + max_ms / 1000

    def retry(_tries: int) -> bool:
        time.sleep(_RETRY_S)
        return time.monotonic() < until_s

    return retry


def check_path(connection: apsw.Connection) -> None:
    """Raise Unavailable if the file of a connection is not at its path any more.

    A commit in it would be lost when the connection closes.
    """
    has_moved = ctypes.c_int()
    connection.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(has_moved))
    if has_moved.value:
        message = (
            "the database file was removed or replaced; put the former file back, or restart the service"
        )
        raise Unavailable(f"{message}: until then nothing is recorded")


_MODE: Final = 0o600


@contextmanager
def sole_service(path: Path | None) -> Iterator[None]:
    """Hold the lock while the block runs. Without a file, as on PostgreSQL, there is no lock.

    The kernel releases the lock of a dead process. Raises Misconfigured if another service runs on the file.
    """
    if path is None or not path.exists():
        yield
        return
    # The lock file stays: if it were removed while another process opens it, both would get a lock.
    lock = os.open(f"{path}-serve", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        _acquire(lock, path)
        yield
    finally:
        os.close(lock)


def _acquire(lock: int, path: Path) -> None:
    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError as fault:
        message = f"another `calltally serve` or `calltally demo` runs on {path}: stop it first"
        message = f"{message}; several at once need PostgreSQL"
        raise Misconfigured(message) from fault
