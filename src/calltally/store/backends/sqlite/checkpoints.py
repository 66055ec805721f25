"""Checkpoints of SQLite's write-ahead log (WAL), in a thread and between the writer's transactions."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final

import apsw

from calltally.store.backends.sqlite.connection import BUSY_MS, connect

_PAGE_BYTES: Final = 4096
# From this size a second thread copies the WAL into the database: inside a commit, that made the slowest
# commits ten times slower. Most commits write to pages of the previous ones, and a checkpoint copies a page
# once: with a twelfth of this size, more than twice as much was written to the disk.
_CHECKPOINT_PAGES: Final = 24_000
_ROUNDS: Final = 4
# The writer copies so many pages in a few milliseconds.
_LAST_PAGES: Final = 400
# Above this size the writer itself waits until the WAL is empty: readers must not let it grow without limit.
_WAL_CAP_BYTES: Final = 224 * 1024 * 1024
# Maximum age of the database file: a copy of it without the WAL has all facts up to then.
_IDLE_S: Final = 60.0


class Checkpointer:
    """Checkpointer that limits the size of the WAL without delaying commits.

    A thread copies most of the WAL while the writer goes on. During commits it never reaches the end, and
    SQLite restarts only a WAL that was copied to its end; so the writer copies the last few pages itself,
    between two transactions. A busy database is no error: the preceding commit is durable, and the next one
    triggers another attempt. A failure, as on a full disk, is logged and retried: commits go on, and the WAL
    grows until a checkpoint succeeds.
    """

    def __init__(self, path: Path, write_connection: apsw.Connection) -> None:
        self._path = path
        self._write_connection = write_connection
        self._requested = Event()
        self._lock = Lock()
        self._ended = self._nearly_done = self._is_disk_full = False
        self._pages = 0
        self._connection: apsw.Connection | None = None
        self._fault: str | None = None
        self._last_wal_state: tuple[int, int] | None = None
        write_connection.set_wal_hook(self._on_commit)
        self._thread = Thread(target=self._work, name="calltally-checkpoints", daemon=True)
        self._thread.start()

    def _on_commit(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def is_due(self) -> bool:
        """Decide between transactions whether the writer runs a checkpoint; else wake the thread."""
        if self._nearly_done or self._pages * _PAGE_BYTES > _WAL_CAP_BYTES:
            return True
        if self._pages > _CHECKPOINT_PAGES:
            self._requested.set()
        return False

    def run(self) -> None:
        """Run the writer's checkpoint. Call it between transactions."""
        is_over_cap = self._pages * _PAGE_BYTES > _WAL_CAP_BYTES
        # This runs outside the event loop and could wait for readers; only above the cap is it worth that.
        self._write_connection.set_busy_timeout(BUSY_MS if is_over_cap else 0)
        with self._lock:
            self._nearly_done = False
            mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if is_over_cap else apsw.SQLITE_CHECKPOINT_PASSIVE
            self._checkpoint(self._write_connection, mode)

    def request_truncation(self) -> None:
        """Make the thread empty the WAL, since the disk is full."""
        self._is_disk_full = True
        self._requested.set()

    def close(self) -> None:
        """End the thread and checkpoint this process's writes: other processes may keep the database open."""
        self._ended = True
        self._requested.set()
        self._thread.join()
        if self._pages:
            self._empty(self._write_connection)

    def _work(self) -> None:
        while not self._ended:
            is_requested = self._requested.wait(_IDLE_S)
            self._requested.clear()
            if not self._ended:
                self._run_safely(self._copy if is_requested else self._copy_idle)
        if self._connection is not None:
            self._connection.close()

    def _run_safely(self, work: Callable[[apsw.Connection], None]) -> None:
        """Run `work` with the thread's own connection. An error must not end the thread."""
        try:
            self._connection = self._connection or connect(self._path)
            with self._lock:
                work(self._connection)
        except Exception as fault:  # noqa: BLE001 - it is logged, and the next commit triggers another attempt
            self._fail(fault)

    def _copy(self, connection: apsw.Connection) -> None:
        """Copy in rounds, since writes during a round remain, until few enough pages are left."""
        self._nearly_done = any(
            self._pages - self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE) < _LAST_PAGES
            for _ in range(_ROUNDS)
        )
        if self._is_disk_full:
            self._is_disk_full = False
            self._empty(connection)

    def _copy_idle(self, connection: apsw.Connection) -> None:
        """Copy the writes of all processes; empty the WAL if no process wrote since the last time."""
        wal_state = self._wal_state()
        if wal_state is None:
            return
        if wal_state == self._last_wal_state:
            self._empty(connection)
        else:
            self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._last_wal_state = wal_state

    def _wal_state(self) -> tuple[int, int] | None:
        """Return size and modification time of the WAL; None if it is empty."""
        try:
            found = self._path.with_name(f"{self._path.name}-wal").stat()
        except FileNotFoundError:
            return None
        return (found.st_size, found.st_mtime_ns) if found.st_size else None

    def _empty(self, connection: apsw.Connection) -> None:
        """Copy most pages while writers go on, then truncate the file unless another connection uses it."""
        self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
        connection.set_busy_timeout(0)
        self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _checkpoint(self, connection: apsw.Connection, mode: int) -> int:
        """Return the number of WAL pages that are copied so far; 0 if the checkpoint could not run."""
        try:
            _pages, copied = connection.wal_checkpoint(mode=mode)
        except (apsw.BusyError, apsw.LockedError):
            return 0
        except apsw.Error as fault:
            self._fail(fault)
            return 0
        if self._fault is not None:
            self._fault = None
            _log().info("checkpoints of the database work again")
        return copied

    def _fail(self, fault: Exception) -> None:
        """Log an error once, not after each commit that triggers another attempt."""
        if self._fault != str(fault):
            _log().warning("a checkpoint of the database failed; it will be retried", reason=str(fault))
        self._fault = str(fault)


def _log() -> Any:  # noqa: ANN401 (the type of the logging library)
    from calltally.logs import get_logger  # deferred: takes 5 MB, and commands on the store log nothing

    return get_logger(__name__)
