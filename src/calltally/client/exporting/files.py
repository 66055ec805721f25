"""Files that grow page by page, and can be taken up where a checkpoint says that they were."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final, Protocol

from calltally.calls.errors import DamagedStore
from calltally.client.errors import NotInstalled, UnexpectedAnswer
from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.pages import joined, lines_of
from calltally.formats.table import FORMATS
from calltally.formats.writer import Writer

# Nobody takes a file for whole before it is.
UNFINISHED: Final = ".part"
SPOOL: Final = ".spool"
# Calls are personal data: what is written here is for whoever exports, whatever their umask says.
FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_PIECE_BYTES: Final = 1024 * 1024


def _open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a file without a buffer; one that is new is its owner's alone."""
    return open(path, mode, buffering=0, opener=_private)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _FILE_MODE)


class Appending:
    """Bytes that are added to a file, with their running checksum."""

    def __init__(self, path: Path, state: FileState | None = None) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self._file: IO[bytes] = _open_private(path, "r+b" if state else "wb")
        self._size = 0
        if state:
            self._take_up(state)

    def _take_up(self, state: FileState) -> None:
        """Go on behind what the checkpoint names; what is behind that was written and never counted."""
        for piece in _pieces(self._file, state.bytes):
            self._digest.update(piece)
            self._size += len(piece)
        if self._size != state.bytes or self._digest.hexdigest() != state.sha256:
            self._file.close()
            message = f"{self._path} is not what the checkpoint says; --restart begins anew"
            raise DamagedExport(message)
        self._file.truncate(self._size)

    def write(self, data: bytes) -> None:
        """Add to the end."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self._digest.update(data)
        self._size += len(data)

    def state(self, name: str, rows: int) -> FileState:
        """What is in it now."""
        return FileState(name, rows, self._size, self._digest.hexdigest())

    def close(self, *, is_durable: bool = False) -> None:
        """Close it, once it is on the disk where that is asked for."""
        if is_durable:
            os.fsync(self._file.fileno())
        self._file.close()


class Output(Protocol):
    """One file of an export while it is written."""

    def add(self, records: Sequence[Any]) -> None:
        """The next calls: at least one, each the bytes of its JSON."""
        ...

    def state(self) -> FileState:
        """What a checkpoint has to know of it."""
        ...

    def finish(self) -> FileState:
        """Write its end and give it its name; returns what it is."""
        ...

    def close(self) -> None:
        """Let go of it as it is."""
        ...

    def forget(self) -> None:
        """Remove what only an unfinished file needs, once the checkpoint names the finished one."""
        ...


class TextOutput:
    """CSV and NDJSON: what is written stays as it is, so the file is simply added to."""

    def __init__(self, folder: Path, name: str, form: str, state: FileState | None) -> None:
        self._path = folder / name
        self._writer: Writer = FORMATS[form].new_writer(None)
        self._is_plain = form == "ndjson"
        self._rows = state.rows if state else 0
        _unfinish(self._path, state)
        self._file = Appending(_unfinished(self._path), state)
        if state is None:
            self._file.write(self._writer.begin())

    def add(self, records: Sequence[Any]) -> None:
        """Each call is a line, and complete. Lines of NDJSON need not be joined first to be taken apart."""
        text = lines_of(records) if self._is_plain else _added(self._writer, joined(records))
        self._file.write(text)
        self._rows += len(records)

    def state(self) -> FileState:
        """Of the file itself."""
        return self._file.state(self._path.name, self._rows)

    def finish(self) -> FileState:
        """Nothing is missing but its name."""
        self._file.write(self._writer.end())
        state = self.state()
        self._file.close(is_durable=True)
        _unfinished(self._path).replace(self._path)
        return state

    def close(self) -> None:
        """It stays unfinished."""
        self._file.close()

    def forget(self) -> None:
        """Nothing."""


class PackedOutput:
    """Parquet: it cannot be added to once its writer is gone, and its bytes depend on how it was fed.

    So the records are kept beside it as they were fed, an empty line between two portions, until it is done.
    A checkpoint is of that spool; who goes on feeds a new writer from it first, and the bytes are the same.
    """

    def __init__(self, folder: Path, name: str, form: str, state: FileState | None) -> None:
        self._path = folder / name
        self._writer: Writer = FORMATS[form].new_writer(None)
        self._rows = state.rows if state else 0
        self._spool_path = self._path.with_name(self._path.name + SPOOL)
        self._spool = Appending(self._spool_path, state)
        self._file = Appending(_unfinished(self._path))
        self._file.write(self._writer.begin())
        if state:
            self._feed_again()

    def _feed_again(self) -> None:
        for records in portions(self._spool_path):
            self._file.write(_added(self._writer, records))

    def add(self, records: Sequence[Any]) -> None:
        """To the spool, then to the writer."""
        portion = joined(records)
        self._spool.write(portion + b"\n\n")
        self._file.write(_added(self._writer, portion))
        self._rows += len(records)

    def state(self) -> FileState:
        """Of the spool."""
        return self._spool.state(self._path.name, self._rows)

    def finish(self) -> FileState:
        """Its footer, and its name; the spool goes last, or a kill between would leave neither."""
        self._file.write(self._writer.end())
        state = self._file.state(self._path.name, self._rows)
        self._file.close(is_durable=True)
        self._spool.close()
        _unfinished(self._path).replace(self._path)
        return state

    def close(self) -> None:
        """It stays unfinished. Its writer is ended, so that its thread is."""
        self._writer.end()
        self._spool.close()
        self._file.close()

    def forget(self) -> None:
        """The spool."""
        self._spool_path.unlink(missing_ok=True)


def opened(folder: Path, name: str, form: str, state: FileState | None = None) -> Output:
    """The file `name` of a format, new or as `state` has it."""
    kind = PackedOutput if FORMATS[form].is_packed else TextOutput
    return kind(folder, name, form, state)


def check_installed(form: str) -> None:
    """Raises NotInstalled where a format needs what is not there."""
    if FORMATS[form].is_packed and find_spec("pyarrow") is None:
        raise NotInstalled.of(f"an export to {form}", "pyarrow", extra="parquet")


def portions(spool: Path) -> Iterator[bytes]:
    """The records of a spool, as they were fed."""
    held: list[bytes] = []
    with spool.open("rb") as file:
        for line in file:
            if line != b"\n":
                held.append(line)
                continue
            yield b"".join(held)[:-1]
            held = []


def checked(path: Path, sha256: str, size: int) -> bool:
    """Whether a file is what was told of it."""
    return path.is_file() and path.stat().st_size == size and digest_of(path) == sha256


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _added(writer: Writer, records: bytes) -> bytes:
    try:
        return writer.add(records)
    except (DamagedStore, ValueError, OverflowError) as fault:
        message = "a record does not fit the columns of this format; --format ndjson takes any"
        raise UnexpectedAnswer(message) from fault


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)


def _unfinish(path: Path, state: FileState | None) -> None:
    """A kill between the last name and the checkpoint: the file has its name and is not counted yet."""
    if state and path.is_file() and not _unfinished(path).is_file():
        path.replace(_unfinished(path))


def _pieces(file: Any, size: int) -> Iterator[bytes]:  # noqa: ANN401 (an unbuffered file)
    left = size
    while left and (piece := file.read(min(left, _PIECE_BYTES))):
        left -= len(piece)
        yield piece
