"""Checkpoints of an export: one line per page in a small file, locked by one process.

The last line counts, and its data is written before it. A kill between the two leaves more data than the line
names, which the next run cuts off. A kill within a line leaves the line before. Lines are appended, because
replacing the file takes half a millisecond, and a page of 1,000 calls only a few.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from calltally.client.exporting.errors import DamagedExport, ExportInUse
from calltally.client.exporting.request import READING_NAMES, ExportPlan, check_names

VERSION: Final = 1
# At this size the file is replaced by one with a single line.
_MAX_CHECKPOINT_BYTES: Final = 4 * 1024 * 1024
_REMEDY: Final = "use another with --checkpoint, or remove it"


class FileState(msgspec.Struct, frozen=True):
    """State of a file: its first `bytes` bytes contain `rows` calls and have the digest `sha256`."""

    name: str
    rows: int
    bytes: int
    sha256: str


class HighestCall(msgspec.Struct, frozen=True):
    """Last written call in the order of (created_at, id)."""

    created_at: str
    id: str


class ExportTally(msgspec.Struct, frozen=True):
    """Counts and maxima of the calls so far."""

    rows: int = 0
    by_status: dict[str, int] = {}
    highest: HighestCall | None = None
    revision: int | None = None


class SnapshotPosition(msgspec.Struct, frozen=True, tag="held"):
    """Position in a snapshot of `total` calls: the next page begins at `offset`."""

    snapshot: str
    total: int
    offset: int = 0


class SliceReading(msgspec.Struct, frozen=True):
    """One reading of one slice.

    `order` is the digest of its ids in their order; `totals` are the different totals from the server.
    """

    state: FileState
    order: str = ""
    offset: int = 0
    is_whole: bool = False
    totals: tuple[int, ...] = ()


class WindowSlice(msgspec.Struct, frozen=True):
    """Part of the window with its readings. The last reading counts once it agrees with another."""

    from_us: int | None
    to_us: int | None
    readings: tuple[SliceReading, ...] = ()
    is_agreed: bool = False
    has_lost: bool = False


class SlicesPosition(msgspec.Struct, frozen=True, tag="sliced"):
    """Position in a window of slices. The slices `due` are still to be read in this `round`."""

    slices: tuple[WindowSlice, ...]
    limit: int
    round: int = 1
    due: tuple[int, ...] = ()


class Drift(msgspec.Struct, frozen=True):
    """Changes of the list between readings.

    `is_whole` means that the last readings agree with others, and with the server's totals if it sends any.
    `file` contains the single findings.
    """

    repeats: int = 0
    holes: int = 0
    notes: tuple[str, ...] = ()
    is_whole: bool = True
    file: FileState | None = None


class Checkpoint(msgspec.Struct, frozen=True):
    """State for resuming an export. `files` are finished, `open` is the current file."""

    plan: ExportPlan
    position: SnapshotPosition | SlicesPosition = msgspec.field(name="place")
    tally: ExportTally = ExportTally()
    files: tuple[FileState, ...] = ()
    open: FileState | None = None
    raw: FileState | None = None
    drift: Drift = Drift()
    is_done: bool = False
    version: int = VERSION


_decoder: Final = msgspec.json.Decoder(Checkpoint)
_encoder: Final = msgspec.json.Encoder()


def load(path: Path) -> Checkpoint | None:
    """Return the checkpoint at `path` or None. Raises DamagedExport if it cannot be read."""
    lines = _lines(path)
    if not lines:
        return None
    _decode_first_line(path, lines[0])
    whole = [line for line in lines if line.endswith(b"\n")]
    try:
        found = _decoder.decode(whole[-1])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedExport(f"{path} was changed ({fault}); start again with --restart") from fault
    if found.version != VERSION:
        raise DamagedExport(f"{path} was written by another version of Calltally; start again with --restart")
    _check_names(path, found)
    if whole != lines:
        os.truncate(path, sum(map(len, whole)))
    return found


def read_plan(path: Path) -> ExportPlan | None:
    """Return the plan of the checkpoint at `path`, even if its last line is damaged, or None without one.

    Raises DamagedExport for a file that is not a checkpoint, which must not be cut or removed.
    """
    lines = _lines(path)
    return _decode_first_line(path, lines[0]).plan if lines else None


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise DamagedExport(f"{path} is not a checkpoint ({fault.strerror}); {_REMEDY}") from fault


def _decode_first_line(path: Path, line: bytes) -> Checkpoint:
    """Decode the first line, which is written completely or not at all."""
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedExport(f"{path} is not a checkpoint ({fault}); {_REMEDY}") from fault
    if not line.endswith(b"\n"):
        raise DamagedExport(f"{path} is not a checkpoint (its first line has no end); {_REMEDY}")
    return found


def _check_names(path: Path, found: Checkpoint) -> None:
    named = [*found.files, found.open, found.raw, found.drift.file]
    check_names(path, (file.name for file in named if file))
    if isinstance(found.position, SlicesPosition):
        readings = (reading.state.name for each in found.position.slices for reading in each.readings)
        check_names(path, readings, READING_NAMES)


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Append a checkpoint, which replaces the one before."""
    line = _encoder.encode(checkpoint) + b"\n"
    with path.open("ab", buffering=0) as file:
        # The first line is written completely or not at all, because it identifies a checkpoint.
        if 0 < file.tell() < _MAX_CHECKPOINT_BYTES:
            file.write(line)
            return
    replace_file(path, line)


def replace_file(path: Path, content: bytes, *, is_durable: bool = False) -> None:
    """Replace a file atomically: readers find the old content or the new."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Lock `path` during the block. Raises ExportInUse if another process holds the lock.

    The system releases the lock when its process ends, also after a kill.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise ExportInUse(
                f"another export uses {path}; wait until it ends, or use another folder and checkpoint"
            ) from fault
        yield
