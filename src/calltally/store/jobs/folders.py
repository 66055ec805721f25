"""Where the files of jobs lie: a folder for each, under that of its tenant. All nodes must see the same.

What is done here waits for a disk, so it is for threads. A file's name comes from the table of files,
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
    """The folder of the setting `files_folder`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, tenant: str, job: bytes) -> "JobFolder":
        """One job's folder, which need not be there."""
        return JobFolder(self._root / tenant / job.hex())

    def of_before(self, tenant: str, before_us: int) -> list[bytes]:
        """The ids of a tenant's jobs whose folders were last changed before then. Raises Misconfigured."""
        with translate_os_errors():
            found = [*(self._root / tenant).iterdir()] if (self._root / tenant).exists() else []
            old = [path.name for path in found if path.stat().st_mtime_ns // 1000 < before_us]
        return [bytes.fromhex(name) for name in old if _JOB.fullmatch(name)]


class JobFolder:
    """The files of one job."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def path_of(self, name: str) -> Path:
        """Where a file of that name is, or would be."""
        return self._path / name

    def make(self) -> None:
        """Have the folder be there, for its owner alone. Raises Misconfigured."""
        with translate_os_errors():
            # One by one: what `parents` makes has the mode of anything else.
            for folder in (self._path.parent.parent, self._path.parent, self._path):
                folder.mkdir(_OWNER_ALONE, parents=folder == self._path.parent.parent, exist_ok=True)
            for folder in (self._path, self._path.parent):
                _sync(folder, os.O_RDONLY | os.O_DIRECTORY)

    def size_of(self, name: str) -> int:
        """How many bytes a file has; 0 where it is not there."""
        try:
            return self.path_of(name).stat().st_size
        except FileNotFoundError:
            return 0

    def cut(self, name: str, size: int) -> None:
        """Have a file be of its first `size` bytes; made where it is not there. Raises Misconfigured."""
        with translate_os_errors(), os.fdopen(self._open(name), "r+b") as file:
            file.truncate(size)

    def write_at(self, name: str, at: int, data: bytes) -> None:
        """Write at a place of a file that is there. Raises Misconfigured.

        By place and not at the end: where a worker that was held up for too long writes beside the one that
        took over from it, both write the same.
        """
        with translate_os_errors(), os.fdopen(self._open(name), "r+b") as file:
            file.seek(at)
            file.write(data)

    def sync(self, *names: str) -> None:
        """Return when what was written is on the disk. Raises Misconfigured."""
        with translate_os_errors():
            for name in names:
                _sync(self.path_of(name), os.O_RDWR)
            _sync(self._path, os.O_RDONLY | os.O_DIRECTORY)

    def feed(self, name: str, at: int, digest: "hashlib._Hash") -> int:
        """Give a digest the next of a file's bytes; returns how many, 0 at its end. Raises Misconfigured."""
        with translate_os_errors(), self.path_of(name).open("rb") as file:
            file.seek(at)
            data = file.read(_HASHED_AT_ONCE)
        digest.update(data)
        return len(data)

    def names(self) -> list[str]:
        """Of all files in it. Raises Misconfigured."""
        with translate_os_errors():
            return [path.name for path in self._path.iterdir()]

    def remove(self, names: Iterable[str]) -> None:
        """Have these files be gone. Raises Misconfigured where one stays."""
        with translate_os_errors():
            for name in names:
                self.path_of(name).unlink(missing_ok=True)

    def rename(self, name: str, to: str) -> bool:
        """Call a file otherwise; False where it is not there. Raises Misconfigured."""
        with translate_os_errors():
            try:
                self.path_of(name).rename(self.path_of(to))
            except FileNotFoundError:
                return False
        return True

    def remove_all(self) -> None:
        """Have the folder and all in it be gone. Raises Misconfigured where something stays."""
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
    """A folder that cannot be used is not a fault of the program: which, and why, without its path."""
    try:
        yield
    except OSError as fault:
        message = f"the folder of files cannot be used ({fault.strerror}); check CALLTALLY_FILES_FOLDER"
        raise Misconfigured(message) from fault
