"""Specification, progress and outcome of an export job, as stored in the job's JSON."""

import re
from typing import Final

import msgspec

from calltally.calls.list_query import ListQuery
from calltally.exports.window import WindowPosition

# The limit of calls in a file of a columnar format. A worker that resumes rewrites the whole file in
# progress, so a file must not take long.
PART_ROWS: Final = 262_144


class ExportSpec(msgspec.Struct, frozen=True):
    """Specification of an export: the calls of `query` at its snapshot.

    `request_digest` identifies the request, for its Idempotency-Key. `are_masked` is true if the key of the
    request sees masked phone numbers only.
    """

    query: ListQuery
    partition: str | None
    name: str | None
    request_digest: str = msgspec.field(name="asked")
    are_masked: bool = False

    @property
    def snapshot(self) -> str:
        return self.query.snapshot or ""


class PartProgress(msgspec.Struct, frozen=True):
    """Progress of the file in progress: its day or month, and its rows and bytes so far."""

    key: str
    rows: int = 0
    bytes: int = 0


class ExportProgress(msgspec.Struct, frozen=True):
    """Progress of an export.

    `at` is the position to resume at, None before the calls are counted; `total` is the number of calls.
    `part` is the file in progress, with the size that is durable; `ids_bytes` is the durable size of the file
    of ids. `files` is the number of complete files; the last `files_of_key` of them have the day or month
    `last_key`. `generation` is the run that wrote last; file names contain it. So an earlier run that does
    not know of its end yet writes into files that nobody reads.
    """

    generation: int = 0
    at: WindowPosition | None = None
    total: int | None = None
    rows: int = 0
    files: int = 0
    last_key: str | None = None
    files_of_key: int = 0
    part: PartProgress | None = None
    ids_bytes: int = 0
    by_status: dict[str, int] = {}

    @property
    def ids_name(self) -> str:
        """The name of the file of ids: the first 8 bytes of the id of each exported call."""
        return f"{self.generation}.ids"

    def stored_name(self, name: str) -> str:
        return f"{self.generation}-{name}"


def generation_of(stored_name: str) -> int:
    """Return the generation in a file's name on the disk, 0 for other files."""
    found = _GENERATION.match(stored_name)
    return int(found[1]) if found else 0


class ExportOutcome(msgspec.Struct, frozen=True):
    """Outcome of an export: exactly one of the two fields is set."""

    by_status: dict[str, int] | None = None
    error: dict[str, str] | None = None


_GENERATION: Final = re.compile(r"(\d+)[-.]")
_outcome: Final = msgspec.json.Decoder(ExportOutcome)
# Decoders of the JSON of a job. A job that has not started has an empty object as its progress.
read_spec: Final = msgspec.json.Decoder(ExportSpec).decode
read_progress: Final = msgspec.json.Decoder(ExportProgress).decode


def read_outcome(content: bytes | None) -> ExportOutcome:
    """Decode the outcome of a job; an open job has an empty outcome."""
    return _outcome.decode(content) if content else ExportOutcome()
