"""Output files that grow page by page and can resume from a checkpoint."""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from calltally.calls.errors import DamagedStore
from calltally.calls.export_formats import FORMATS, NDJSON
from calltally.client.errors import NotInstalled, UnexpectedAnswer
from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.pages import join_records, ndjson_lines
from calltally.formats.writers import Writer, is_installed, new_writer

# Suffix of an incomplete file, so that nobody takes it for a complete one.
UNFINISHED_SUFFIX: Final = ".part"
SPOOL_SUFFIX: Final = ".spool"
# Calls are personal data: only the owner may read them, with any umask.
FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_PIECE_BYTES: Final = 1024 * 1024


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, _FILE_MODE)


def _open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a file without a buffer. Only its owner can access a new file."""
    return open(path, mode, buffering=0, opener=_private_opener)


class AppendFile:
    """File that is only appended to, with its running checksum."""

    def __init__(self, path: Path, state: FileState | None = None) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self._file: IO[bytes] = _open_private(path, "r+b" if state else "wb")
        self._size = 0
        if state:
            self._resume(state)

    def _resume(self, state: FileState) -> None:
        """Continue at the checkpoint's size, and cut off what was written after the checkpoint."""
        for piece in _read_pieces(self._file, state.bytes):
            self._digest.update(piece)
            self._size += len(piece)
        if self._size != state.bytes or self._digest.hexdigest() != state.sha256:
            self._file.close()
            message = f"{self._path} differs from its checkpoint; start again with --restart"
            raise DamagedExport(message)
        self._file.truncate(self._size)

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self._digest.update(data)
        self._size += len(data)

    def state(self, name: str, rows: int) -> FileState:
        return FileState(name, rows, self._size, self._digest.hexdigest())

    def close(self, *, is_durable: bool = False) -> None:
        """Close the file, after fsync if `is_durable`."""
        if is_durable:
            os.fsync(self._file.fileno())
        self._file.close()


class OutputFile(ABC):
    """One file of an export during writing."""

    _file: AppendFile

    def __init__(self, folder: Path, name: str, form: str, state: FileState | None) -> None:
        self._path = folder / name
        self._writer: Writer = new_writer(FORMATS[form])
        self._rows = state.rows if state else 0

    @abstractmethod
    def add(self, records: Sequence[Any]) -> None:
        """Add at least one call, each as the bytes of its JSON."""

    @abstractmethod
    def state(self) -> FileState:
        """Return the state for a checkpoint."""

    def finish(self) -> FileState:
        """Write the end of the format, give the file its final name, and return its state."""
        self._file.write(self._writer.end())
        state = self._file.state(self._path.name, self._rows)
        self._file.close(is_durable=True)
        _unfinished_path(self._path).replace(self._path)
        return state

    def close(self) -> None:
        """Close the unfinished file."""
        self._file.close()

    def remove_spool(self) -> None:
        """Remove the temporary file of some formats once the checkpoint contains the finished file."""
        self._path.with_name(self._path.name + SPOOL_SUFFIX).unlink(missing_ok=True)


class TextOutputFile(OutputFile):
    """CSV or NDJSON file, which can be appended to."""

    def __init__(self, folder: Path, name: str, form: str, state: FileState | None) -> None:
        super().__init__(folder, name, form, state)
        # NDJSON needs no writer: its records are the lines.
        self._is_plain = form == NDJSON.name
        unfinished = _unfinished_path(self._path)
        # After a kill between the renaming of a finished file and the checkpoint.
        if state and self._path.is_file() and not unfinished.is_file():
            self._path.replace(unfinished)
        self._file = AppendFile(unfinished, state)
        if state is None:
            self._file.write(self._writer.begin())

    def add(self, records: Sequence[Any]) -> None:
        text = (
            ndjson_lines(records) if self._is_plain else _encode_records(self._writer, join_records(records))
        )
        self._file.write(text)
        self._rows += len(records)

    def state(self) -> FileState:
        return self._file.state(self._path.name, self._rows)


class PackedOutputFile(OutputFile):
    """Parquet file, which cannot be appended to by a new writer, and whose bytes depend on the batches.

    So until it is finished, a spool beside it stores the records, with an empty line between two batches. A
    checkpoint describes the spool. To resume, a new writer first gets the same batches, and the bytes are
    equal. The spool is removed only after the checkpoint, or a kill in between would leave neither.
    """

    def __init__(self, folder: Path, name: str, form: str, state: FileState | None) -> None:
        super().__init__(folder, name, form, state)
        spool = self._path.with_name(self._path.name + SPOOL_SUFFIX)
        self._spool = AppendFile(spool, state)
        self._file = AppendFile(_unfinished_path(self._path))
        self._file.write(self._writer.begin())
        for records in read_spool(spool) if state else ():
            self._file.write(_encode_records(self._writer, records))

    def add(self, records: Sequence[Any]) -> None:
        batch = join_records(records)
        self._spool.write(batch + b"\n\n")
        self._file.write(_encode_records(self._writer, batch))
        self._rows += len(records)

    def state(self) -> FileState:
        return self._spool.state(self._path.name, self._rows)

    def finish(self) -> FileState:
        self._spool.close()
        return super().finish()

    def close(self) -> None:
        """Close the unfinished file, and end the writer so that its thread ends."""
        self._writer.end()
        self._spool.close()
        super().close()


def open_output(folder: Path, name: str, form: str, state: FileState | None = None) -> OutputFile:
    """Open the output file `name` of a format, new or resumed from `state`."""
    kind = PackedOutputFile if FORMATS[form].is_columnar else TextOutputFile
    return kind(folder, name, form, state)


def check_installed(form: str) -> None:
    """Raise NotInstalled if a format needs a package that is not installed."""
    if not is_installed(FORMATS[form]):
        raise NotInstalled.of(f"the format {form}", "pyarrow", extra="parquet")


def read_spool(spool: Path) -> Iterator[bytes]:
    lines: list[bytes] = []
    with spool.open("rb") as file:
        for line in file:
            if line != b"\n":
                lines.append(line)
                continue
            yield b"".join(lines)[:-1]
            lines = []


def matches_checksum(path: Path, sha256: str, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size and file_sha256(path) == sha256


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _encode_records(writer: Writer, records: bytes) -> bytes:
    try:
        return writer.add(records)
    except (DamagedStore, ValueError, OverflowError) as fault:
        message = "a record does not fit the columns of this format; use --format ndjson, which accepts any"
        raise UnexpectedAnswer(message) from fault


def _unfinished_path(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED_SUFFIX)


def _read_pieces(file: Any, size: int) -> Iterator[bytes]:  # noqa: ANN401 (an unbuffered file)
    left = size
    while left and (piece := file.read(min(left, _PIECE_BYTES))):
        left -= len(piece)
        yield piece
