"""Lock beside an SQLite file, so that one service at a time runs on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Final

from calltally.calls.errors import Misconfigured

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
        message = f"another service runs on {path}: stop it first, or use PostgreSQL for several"
        raise Misconfigured(message) from fault
