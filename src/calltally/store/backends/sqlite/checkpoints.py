"""Checkpoints of SQLite's write-ahead log, beside the writer and between its transactions."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

import apsw

from calltally.logs import get_logger
from calltally.store.backends.sqlite.connection import BUSY_MS, connect

_PAGE_BYTES: Final = 4096
# From here on a second thread copies the WAL back beside the writer: inside a commit it would make the
# slowest commits ten times slower. Most commits write to pages that the last ones wrote to, and a page is
# copied once however often it stands there: with a twelfth of this, more than twice as much went to the disk.
_CHECKPOINT_PAGES: Final = 24_000
_ROUNDS: Final = 4
# What the writer copies in a few milliseconds.
_LAST_PAGES: Final = 400
# Above this the writer itself waits until the WAL is empty: readers must not let it grow for ever.
_WAL_CAP_BYTES: Final = 224 * 1024 * 1024
# So old is the database file at most: whoever copies it without the WAL has what was recorded until then.
_QUIET_S: Final = 60.0

log: Final = get_logger(__name__)


class Checkpoints:
    """Keeps the WAL short without holding up commits.

    A thread copies most of it back beside the writer. While commits go on it never gets to the end, and
    only a WAL that was copied to its end begins anew; so the writer copies the last few pages itself,
    between two transactions. A checkpoint that finds the database busy is no fault: the commit before
    it stands, and the next commit brings the next try. One that fails, as on a full disk, is logged and
    tried again: commits go on without it, and the WAL grows until one succeeds.
    """

    def __init__(self, path: Path, writing: apsw.Connection) -> None:
        self._path = path
        self._writing = writing
        self._wanted = Event()
        self._turn = Lock()
        self._ended = self._nearly_done = self._is_full = False
        self._pages = 0
        self._connection: apsw.Connection | None = None
        self._fault: str | None = None
        self._seen: tuple[int, int] | None = None
        writing.set_wal_hook(self._note)
        self._thread = Thread(target=self._work, name="calltally-checkpoints", daemon=True)
        self._thread.start()

    def _note(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def is_due(self) -> bool:
        """Ask between transactions: wakes the thread in time, and says when it is the writer's turn."""
        if self._nearly_done or self._pages * _PAGE_BYTES > _WAL_CAP_BYTES:
            return True
        if self._pages > _CHECKPOINT_PAGES:
            self._wanted.set()
        return False

    def run(self) -> None:
        """The writer's turn; to be called between transactions."""
        is_over_cap = self._pages * _PAGE_BYTES > _WAL_CAP_BYTES
        # Beside the loop there is time to wait for a reader to end; but only above the cap it is worth it.
        self._writing.set_busy_timeout(BUSY_MS if is_over_cap else 0)
        with self._turn:
            self._nearly_done = False
            mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if is_over_cap else apsw.SQLITE_CHECKPOINT_PASSIVE
            self._checkpoint(self._writing, mode)

    def make_room(self) -> None:
        """Have the thread empty the WAL, since the disk is full."""
        self._is_full = True
        self._wanted.set()

    def close(self) -> None:
        """End the thread, and copy back what was written here: others may keep the database open."""
        self._ended = True
        self._wanted.set()
        self._thread.join()
        if self._pages:
            self._empty(self._writing)

    def _work(self) -> None:
        while not self._ended:
            is_wanted = self._wanted.wait(_QUIET_S)
            self._wanted.clear()
            if not self._ended:
                self._attempt(self._copy if is_wanted else self._copy_quietly)
        if self._connection is not None:
            self._connection.close()

    def _attempt(self, work: Callable[[apsw.Connection], None]) -> None:
        """Work with the thread's own connection. A fault must not end the thread."""
        try:
            self._connection = self._connection or connect(self._path)
            with self._turn:
                work(self._connection)
        except Exception as fault:  # noqa: BLE001 - it is logged, and the next commit brings the next try
            self._fail(fault)

    def _copy(self, connection: apsw.Connection) -> None:
        self._nearly_done = self._copy_most(connection)
        if self._is_full:
            self._is_full = False
            self._empty(connection)

    def _copy_most(self, connection: apsw.Connection) -> bool:
        """Each round leaves what was written during it; says whether that is little enough now."""
        for _ in range(_ROUNDS):
            copied = self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
            if self._pages - copied < _LAST_PAGES:
                return True
        return False

    def _copy_quietly(self, connection: apsw.Connection) -> None:
        """Copy what any process wrote; empty the WAL where none wrote since the last time."""
        seen = self._wal()
        if seen is None:
            return
        if seen == self._seen:
            self._empty(connection)
        else:
            self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._seen = seen

    def _wal(self) -> tuple[int, int] | None:
        """Size and last change of the WAL; None where it is empty."""
        try:
            found = self._path.with_name(f"{self._path.name}-wal").stat()
        except FileNotFoundError:
            return None
        return (found.st_size, found.st_mtime_ns) if found.st_size else None

    def _empty(self, connection: apsw.Connection) -> None:
        """Copy most beside the writers, then cut the file, unless somebody reads or writes just now."""
        self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
        connection.set_busy_timeout(0)
        self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _checkpoint(self, connection: apsw.Connection, mode: int) -> int:
        """Return how many pages of the WAL are copied then; 0 where it could not run."""
        try:
            _pages, copied = connection.wal_checkpoint(mode=mode)
        except (apsw.BusyError, apsw.LockedError):
            return 0
        except apsw.Error as fault:
            self._fail(fault)
            return 0
        if self._fault is not None:
            self._fault = None
            log.info("checkpoints of the database work again")
        return copied

    def _fail(self, fault: Exception) -> None:
        """Log a fault once, not at each commit that brings another try."""
        if self._fault != str(fault):
            log.warning("a checkpoint of the database failed; it is tried again", reason=str(fault))
        self._fault = str(fault)
