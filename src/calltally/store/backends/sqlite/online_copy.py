"""Copy of a database file in use: the state of one moment, with the commits that are only in the WAL."""

import os
from pathlib import Path
from typing import Final

import apsw

from calltally.calls.errors import Misconfigured
from calltally.store.backends.sqlite.connection import BUSY_MS, ERROR_TRANSLATION

_MODE: Final = 0o600
_MAX_FAULTS: Final = 10
# A backup has no WAL, and its folder may not be writable.
_IMMUTABLE: Final = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


def copy_online(source: Path, target: Path) -> None:
    """Copy a database that may be in use into a new file, and sync it. Raises Misconfigured and Unavailable.

    `VACUUM INTO` reads one snapshot, so writers neither wait nor make it start again, as they do with
    SQLite's backup by pages.
    """
    if not source.exists():
        raise Misconfigured(f"there is no database at {source}; check CALLTALLY_DATABASE_URL")
    target.touch(mode=_MODE, exist_ok=False)
    with ERROR_TRANSLATION:
        connection = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(BUSY_MS)
            connection.execute("VACUUM INTO ?", (str(target),))
        finally:
            connection.close()
    sync(target)


def integrity_faults(path: Path) -> list[str]:
    """Return what SQLite finds wrong in the structure of a file, at most ten lines."""
    with ERROR_TRANSLATION:
        connection = apsw.Connection(f"{path.absolute().as_uri()}?immutable=1", flags=_IMMUTABLE)
        try:
            found = connection.execute(f"PRAGMA integrity_check({_MAX_FAULTS})").fetchall()
        finally:
            connection.close()
    return [str(line) for (line,) in found if line != "ok"]


def sync(path: Path) -> None:
    """Make a written file durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
