"""What an export job is asked for, and how far it is, as the job's JSON has them."""

import re
from typing import Final

import msgspec

from calltally.calls.filters import ListQuery
from calltally.exports.window import Position

# A Parquet or Arrow file has at most so many calls: it is made anew from its first call where a worker ends
# in the midst of it, so it must not take long.
PART_ROWS: Final = 262_144


class ExportSpec(msgspec.Struct, frozen=True):
    """The calls of `query`, which names a snapshot; `asked` stands for the request that it came from.

    Numbers `are_masked` where they were from the key that asked.
    """

    query: ListQuery
    partition: str | None
    name: str | None
    asked: str
    are_masked: bool = False

    @property
    def snapshot(self) -> str:
        """The token of the state that is exported."""
        return self.query.snapshot or ""


class Part(msgspec.Struct, frozen=True):
    """A file that is being written: of which day or month, and how much of it there is."""

    key: str
    rows: int = 0
    bytes: int = 0


class Progress(msgspec.Struct, frozen=True):
    """How far an export is.

    `at` is where to go on, None before its calls are counted; `total` is how many they are. `part` is the
    file under way, of which so much is on the disk for good, as of the file of ids; `files` is how many are
    whole, the last `files_of_key` of them of the day or month `last_key`. `generation` is
    the turn in which it wrote last, which its files are called after: so who has an earlier turn, and does
    not know yet that it is over, writes into files that nobody reads.
    """

    generation: int = 0
    at: Position | None = None
    total: int | None = None
    rows: int = 0
    files: int = 0
    last_key: str | None = None
    files_of_key: int = 0
    part: Part | None = None
    ids_bytes: int = 0
    by_status: dict[str, int] = {}

    @property
    def ids_name(self) -> str:
        """The name of the file of ids: of each call that was written, the first 8 bytes."""
        return f"{self.generation}.ids"

    def kept_as(self, name: str) -> str:
        """How a file of this generation is called on the disk."""
        return f"{self.generation}-{name}"


def generation_of(kept_as: str) -> int:
    """Of which generation a file is by its name on the disk; of something else, 0."""
    found = _GENERATION.match(kept_as)
    return int(found[1]) if found else 0


class Outcome(msgspec.Struct, frozen=True):
    """What came of an export: one of the two is there."""

    by_status: dict[str, int] | None = None
    error: dict[str, str] | None = None


_GENERATION: Final = re.compile(r"(\d+)[-.]")
_spec: Final = msgspec.json.Decoder(ExportSpec)
_progress: Final = msgspec.json.Decoder(Progress)
_outcome: Final = msgspec.json.Decoder(Outcome)


def read_spec(content: bytes) -> ExportSpec:
    """The spec of a job."""
    return _spec.decode(content)


def read_progress(content: bytes) -> Progress:
    """The progress of a job; that of one that has not begun is an empty object."""
    return _progress.decode(content)


def read_outcome(content: bytes | None) -> Outcome:
    """What came of a job; of one that is open nothing yet."""
    return _outcome.decode(content) if content else Outcome()
