"""Folders of job files: one per job, in the folder of its tenant. All nodes must share them.

These functions wait for a disk, so call them in threads. The name of a file comes from the table of files,
never from a request.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from calltally.calls.errors import Misconfigured

_HASHED_AT_ONCE: Final = 8 * 1024 * 1024
_OWNER_ALONE: Final = 0o700
_JOB: Final = re.compile("[0-9a-f]{32}")
_FILE_MODE: Final = 0o600


class JobFolders:
    """Root folder of all job files, from the setting `files_folder`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, tenant: str, job: bytes) -> "JobFolder":
        return JobFolder(self._root / tenant / job.hex())

    def remove_tenant(self, tenant: str) -> None:
        """Delete the folders of all jobs of a tenant. Raises Misconfigured if one cannot be deleted."""
        JobFolder(self._root / tenant).remove_all()

    def jobs_unchanged_since(self, tenant: str, before_us: int) -> list[bytes]:
        """Return the ids of a tenant's jobs whose folders are unchanged since then. Raises Misconfigured."""
        with translate_os_errors():
            found = [*(self._root / tenant).iterdir()] if (self._root / tenant).exists() else []
            old = [path.name for path in found if path.stat().st_mtime_ns // 1000 < before_us]
        return [bytes.fromhex(name) for name in old if _JOB.fullmatch(name)]


class JobFolder:
    """Folder with the files of one job."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def path_of(self, name: str) -> Path:
        return self._path / name

    def make(self) -> None:
        """Create the folder if it does not exist, accessible to its owner alone. Raises Misconfigured."""
        with translate_os_errors():
            # One by one: folders that `parents` creates have the default mode.
            for folder in (self._path.parent.parent, self._path.parent, self._path):
                folder.mkdir(_OWNER_ALONE, parents=folder == self._path.parent.parent, exist_ok=True)
            for folder in (self._path, self._path.parent):
                _sync(folder, os.O_RDONLY | os.O_DIRECTORY)

    def size_of(self, name: str) -> int:
        """Return the size of a file in bytes, 0 if it does not exist."""
        try:
            return self.path_of(name).stat().st_size
        except FileNotFoundError:
            return 0

    def cut(self, name: str, size: int) -> None:
        """Truncate a file to `size` bytes; create it if it does not exist. Raises Misconfigured."""
        with translate_os_errors(), os.fdopen(self._open(name), "r+b") as file:
            file.truncate(size)

    def write_at(self, name: str, at: int, data: bytes) -> None:
        """Write at an offset of an existing file. Raises Misconfigured.

        The offset makes writes repeatable: a worker that stalled for too long and its successor may write at
        the same time, and write the same bytes.
        """
        with translate_os_errors(), os.fdopen(self._open(name), "r+b") as file:
            file.seek(at)
            file.write(data)

    def sync(self, *names: str) -> None:
        """Sync these files and the folder to the disk. Raises Misconfigured."""
        with translate_os_errors():
            for name in names:
                _sync(self.path_of(name), os.O_RDWR)
            _sync(self._path, os.O_RDONLY | os.O_DIRECTORY)

    def feed(self, name: str, at: int, digest: "hashlib._Hash") -> int:
        """Update a digest with a file's next bytes; return their number. Raises Misconfigured."""
        with translate_os_errors(), self.path_of(name).open("rb") as file:
            file.seek(at)
            data = file.read(_HASHED_AT_ONCE)
        digest.update(data)
        return len(data)

    def names(self) -> list[str]:
        with translate_os_errors():
            return [path.name for path in self._path.iterdir()]

    def remove(self, names: Iterable[str]) -> None:
        """Delete these files, if they exist. Raises Misconfigured if one cannot be deleted."""
        with translate_os_errors():
            for name in names:
                self.path_of(name).unlink(missing_ok=True)

    def rename(self, name: str, to: str) -> bool:
        """Rename a file. Return False if it does not exist. Raises Misconfigured."""
        with translate_os_errors():
            try:
                self.path_of(name).rename(self.path_of(to))
            except FileNotFoundError:
                return False
        return True

    def remove_all(self) -> None:
        """Delete the folder and all its files. Raises Misconfigured if one cannot be deleted."""
        with translate_os_errors():
            if self._path.exists():
                shutil.rmtree(self._path)

    def _open(self, name: str) -> int:
        return os.open(self.path_of(name), os.O_RDWR | os.O_CREAT, _FILE_MODE)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def translate_os_errors() -> Iterator[None]:
    """Raise Misconfigured with the system's reason, without the path, if the folder cannot be used."""
    try:
        yield
    except OSError as fault:
        message = f"the folder of files cannot be used ({fault.strerror}); check CALLTALLY_FILES_FOLDER"
        raise Misconfigured(message) from fault
