"""SQLite VFS in Python that simulates a disk which loses unsynced writes on a power cut."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Lock
from typing import NamedTuple

import apsw

Acknowledged = tuple[bytes, ...]


class Cut(NamedTuple):
    """Files after a simulated power cut, and the facts acknowledged before it."""

    acknowledged: Acknowledged
    files: dict[str, bytes]

    def restore(self, folder: Path) -> None:
        """Write the files as the machine would find them after a restart."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


class _Image:
    """One file: its bytes as of the last sync, and the changes since."""

    def __init__(self, content: bytes) -> None:
        self.durable = bytearray(content)
        # A write with its offset, or the size of a truncation.
        self.since: list[tuple[int, bytes | None]] = []

    def sync(self) -> None:
        for change in self.since:
            _apply(self.durable, change)
        self.since = []

    def after_cut(self, luck: Random) -> bytes:
        """Return content after a cut: each unsynced change survives with even odds, or none does."""
        content = bytearray(self.durable)
        if luck.random() < 0.5:
            for change in self.since:
                if luck.random() < 0.5:
                    _apply(content, change)
        return bytes(content)


def _apply(content: bytearray, change: tuple[int, bytes | None]) -> None:
    position, data = change
    if data is None:
        del content[position:]
        return
    content.extend(bytes(max(0, position - len(content))))
    content[position : position + len(data)] = data


class Disk:
    """All files of a folder, and the cuts so far: every `each_nth` change makes one."""

    def __init__(self, *, each_nth: int) -> None:
        self.cuts: list[Cut] = []
        self.syncs: Counter[str] = Counter()
        self.checkpoints = 0
        self._acknowledged: list[bytes] = []
        self._images: dict[str, _Image] = {}
        self._each_nth = each_nth
        self._changes = 0
        self._luck = Random(7)
        self._lock = Lock()

    def acknowledge(self, key: bytes) -> None:
        """Record that a fact was acknowledged as durable."""
        self._acknowledged.append(key)

    def cut(self) -> None:
        """Record the files that a power cut would leave now."""
        acknowledged = tuple(self._acknowledged)
        with self._lock:
            self._cut(acknowledged)

    def _cut(self, acknowledged: Acknowledged) -> None:
        files = {name: image.after_cut(self._luck) for name, image in self._images.items()}
        self.cuts.append(Cut(acknowledged, files))

    def opened(self, path: Path) -> None:
        with self._lock:
            self._images.setdefault(path.name, _Image(path.read_bytes()))

    def changed(self, name: str, position: int, data: bytes | None) -> None:
        # Read before the change: later acknowledgements may depend on it.
        acknowledged = tuple(self._acknowledged)
        with self._lock:
            self._images[name].since.append((position, data))
            self._count(acknowledged)

    def synced(self, name: str) -> None:
        acknowledged = tuple(self._acknowledged)
        with self._lock:
            self.syncs[name] += 1
            self._count(acknowledged)
            self._images[name].sync()

    def deleted(self, name: str) -> None:
        with self._lock:
            self._images.pop(name, None)

    def _count(self, acknowledged: Acknowledged) -> None:
        self._changes += 1
        if self._changes % self._each_nth == 0:
            self._cut(acknowledged)


class _File(apsw.VFSFile):
    def __init__(self, vfs: "_Vfs", name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__(vfs.below, name, flags)
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "")
        self._disk = vfs.disk
        self._name = path.name
        if self._name:
            self._disk.opened(path)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 (SQLite's name)
        super().xWrite(data, offset)
        if self._name:
            self._disk.changed(self._name, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 (SQLite's name)
        super().xTruncate(newsize)
        if self._name:
            self._disk.changed(self._name, newsize, None)

    def xSync(self, flags: int) -> None:  # noqa: ARG002, N802 (SQLite's name)
        # The real disk needs no sync.
        if self._name:
            self._disk.synced(self._name)


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.below = apsw.vfs_names()[0]
        super().__init__("power-cut", self.below, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 (SQLite's name)
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802 (SQLite's name)
        super().xDelete(filename, syncdir)
        self.disk.deleted(Path(filename).name)


@contextmanager
def power_cut_disk(*, each_nth: int) -> Iterator[Disk]:
    """Put every database that is opened in the block on such a disk."""
    disk = Disk(each_nth=each_nth)
    vfs = _Vfs(disk)
    try:
        yield disk
    finally:
        vfs.unregister()
