"""Checkpoints of SQLite's write-ahead log, beside the writer and between its transactions."""

from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

import apsw

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


class Checkpoints:
    """Keeps the WAL short without holding up commits.

    A thread copies most of it back beside the writer. While commits go on it never gets to the end, and
    only a WAL that was copied to its end begins anew; so the writer copies the last few pages itself,
    between two transactions. A checkpoint that finds the database busy is no fault: the commit before
    it stands, and the next commit brings the next try.
    """

    def __init__(self, path: Path, writing: apsw.Connection) -> None:
        self._path = path
        self._writing = writing
        self._wanted = Event()
        self._turn = Lock()
        self._ended = self._nearly_done = False
        self._pages = 0
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
            _checkpoint(self._writing, mode)

    def close(self) -> None:
        """End the thread; the last connection that closes empties the WAL."""
        self._ended = True
        self._wanted.set()
        self._thread.join()

    def _work(self) -> None:
        connection = connect(self._path)
        while self._wanted.wait() and not self._ended:
            self._wanted.clear()
            with self._turn:
                self._nearly_done = self._copy_most(connection)
        connection.close()

    def _copy_most(self, connection: apsw.Connection) -> bool:
        """Each round leaves what was written during it; says whether that is little enough now."""
        for _ in range(_ROUNDS):
            copied = _checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
            if self._pages - copied < _LAST_PAGES:
                return True
        return False


def _checkpoint(connection: apsw.Connection, mode: int) -> int:
    """How many pages of the WAL are copied after a checkpoint of that mode; 0 where it could not run."""
    try:
        _pages, copied = connection.wal_checkpoint(mode=mode)
    except (apsw.BusyError, apsw.LockedError):
        return 0
    return copied
