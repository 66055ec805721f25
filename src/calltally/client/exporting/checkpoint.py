"""How far an export is: a line is added to a small file after each page, and one process holds it.

The last line counts, and what it names is written before it is: a kill between the two leaves more data than
it names, which is cut off when the export goes on; a kill inside of a line leaves the line before. Added
rather than renamed over, since that takes half a millisecond, and a page of 1,000 calls only a few.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from calltally.client.exporting.errors import DamagedExport, InUse
from calltally.client.exporting.names import check_names, check_reading_names
from calltally.client.exporting.request import Plan

VERSION: Final = 1
# Beyond it the file begins again with one line.
_LONGEST: Final = 4 * 1024 * 1024
_INSTEAD: Final = "name another with --checkpoint, or remove it"


class FileState(msgspec.Struct, frozen=True):
    """A file up to a point: `sha256` is of its first `bytes` bytes, which hold `rows` calls."""

    name: str
    rows: int
    bytes: int
    sha256: str


class Highest(msgspec.Struct, frozen=True):
    """The last call that was written, in the order of (created_at, id)."""

    created_at: str
    id: str


class Tally(msgspec.Struct, frozen=True):
    """What is known of the calls so far."""

    rows: int = 0
    by_status: dict[str, int] = {}
    highest: Highest | None = None
    revision: int | None = None


class Held(msgspec.Struct, frozen=True, tag="held"):
    """A window under a snapshot: `total` calls, of which the next page begins at `offset`."""

    snapshot: str
    total: int
    offset: int = 0


class Reading(msgspec.Struct, frozen=True):
    """One reading of one slice.

    `order` is the digest of its ids as they came; `totals` what the server said.
    """

    state: FileState
    order: str = ""
    offset: int = 0
    is_whole: bool = False
    totals: tuple[int, ...] = ()


class Slice(msgspec.Struct, frozen=True):
    """A part of the window and the readings of it, of which the last counts once it agrees with another."""

    from_us: int | None
    to_us: int | None
    readings: tuple[Reading, ...] = ()
    is_agreed: bool = False
    has_lost: bool = False


class Sliced(msgspec.Struct, frozen=True, tag="sliced"):
    """A window in slices. In this `round` the slices `due` are still to be read."""

    slices: tuple[Slice, ...]
    limit: int
    round: int = 1
    due: tuple[int, ...] = ()


class Drift(msgspec.Struct, frozen=True):
    """What was found of a list that moved.

    `is_whole` says that the readings which count agree with another, and with the totals where the server
    tells any; `file` has the findings one by one.
    """

    repeats: int = 0
    holes: int = 0
    notes: tuple[str, ...] = ()
    is_whole: bool = True
    file: FileState | None = None


class Checkpoint(msgspec.Struct, frozen=True):
    """All that an export needs to go on. `files` are done, `open` is the one being written."""

    plan: Plan
    place: Held | Sliced
    tally: Tally = Tally()
    files: tuple[FileState, ...] = ()
    open: FileState | None = None
    raw: FileState | None = None
    drift: Drift = Drift()
    is_done: bool = False
    version: int = VERSION


_decoder: Final = msgspec.json.Decoder(Checkpoint)
_encoder: Final = msgspec.json.Encoder()


def load(path: Path) -> Checkpoint | None:
    """The checkpoint at `path`, None where there is none. Raises DamagedExport where it cannot be read."""
    lines = _lines(path)
    if not lines:
        return None
    _decoded(path, lines[0])
    whole = [line for line in lines if line.endswith(b"\n")]
    try:
        found = _decoder.decode(whole[-1])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedExport(f"{path} was changed ({fault}); --restart begins anew") from fault
    if found.version != VERSION:
        raise DamagedExport(f"{path} is of another version of Calltally; --restart begins anew")
    _check_names(path, found)
    if whole != lines:
        os.truncate(path, sum(map(len, whole)))
    return found


def plan_in(path: Path) -> Plan | None:
    """What the checkpoint at `path` is of, be its last line what it may; None where there is none.

    Raises DamagedExport for a file that is something else, which nobody may cut or remove.
    """
    lines = _lines(path)
    return _decoded(path, lines[0]).plan if lines else None


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise DamagedExport(f"{path} is no checkpoint ({fault.strerror}); {_INSTEAD}") from fault


def _decoded(path: Path, line: bytes) -> Checkpoint:
    """The first line, which is there as a whole or not at all."""
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedExport(f"{path} is no checkpoint ({fault}); {_INSTEAD}") from fault
    if not line.endswith(b"\n"):
        raise DamagedExport(f"{path} is no checkpoint (its first line has no end); {_INSTEAD}")
    return found


def _check_names(path: Path, found: Checkpoint) -> None:
    named = [*found.files, found.open, found.raw, found.drift.file]
    check_names(path, (file.name for file in named if file))
    if isinstance(found.place, Sliced):
        readings = (reading.state.name for each in found.place.slices for reading in each.readings)
        check_reading_names(path, readings)


def save(path: Path, checkpoint: Checkpoint) -> None:
    """From here on it is the one that counts."""
    line = _encoder.encode(checkpoint) + b"\n"
    with path.open("ab", buffering=0) as file:
        # The first line is there as a whole or not at all: by it a checkpoint is told from other files.
        if 0 < file.tell() < _LONGEST:
            file.write(line)
            return
    replace_file(path, line)


def replace_file(path: Path, content: bytes, *, is_durable: bool = False) -> None:
    """Write a file so that whoever reads it finds the old or the new, and nothing between."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold what is at `path` for as long as the block runs. Raises InUse where another process does.

    The lock goes with the process that holds it, so a killed one leaves none.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise InUse(
                f"another export works on {path}; wait for it, or name another folder and checkpoint"
            ) from fault
        yield
