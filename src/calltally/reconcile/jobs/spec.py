"""Specification, progress and outcome of a reconciliation job, as stored in the job's JSON."""

import secrets
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from calltally.calls.windows import TimeWindow
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.jobs import Job, JobKind, NewJob, add_job, find_job
from calltally.store.snapshots.ledger_head import read_ledger_head

# The file of the uploaded events in the job's folder.
EVENTS_FILE: Final = "events.ndjson"
# The name of the findings for clients.
FINDINGS_NAME: Final = "findings.ndjson"


class Against(StrEnum):
    """Source to compare the calls with."""

    PROVIDER = "provider"
    EVENTS = "events"


class ReconciliationSpec(msgspec.Struct, frozen=True):
    """Specification: calls created in `from_us` <= t < `to_us` (microseconds UTC), and the comparison."""

    against: Against
    from_us: int
    to_us: int
    provider: str | None = None
    heal: bool = False
    deliver: bool = False
    tolerance_s: int = 1
    late_s: int = 300
    grace_s: int = 900

    @property
    def window(self) -> TimeWindow:
        return TimeWindow(self.from_us, self.to_us)


class ReconciliationOutcome(msgspec.Struct, frozen=True):
    """Outcome of a job: exact counts by kind, or the error."""

    counts: dict[str, int] = {}
    looked_at: dict[str, int] = {}
    healed: dict[str, int] | None = None
    error: dict[str, str] | None = None


class FindingFiles(msgspec.Struct, frozen=True):
    """Names of the finding files, with the prefix `stem`. `unplaced` findings name no call."""

    stem: str
    unplaced: int = 0

    @property
    def lines(self) -> str:
        return f"{self.stem}.ndjson"

    @property
    def starts(self) -> str:
        """The file with the offset of each line, 8 bytes each."""
        return f"{self.stem}.starts"

    @property
    def ids(self) -> str:
        """The file with the first 8 bytes of the id of each named call."""
        return f"{self.stem}.ids"


class ReconciliationProgress(msgspec.Struct, frozen=True):
    """Progress of a job, empty until its end: then the files of its findings and its outcome."""

    files: FindingFiles | None = msgspec.field(default=None, name="kept")
    outcome: ReconciliationOutcome | None = None


_spec: Final = msgspec.json.Decoder(ReconciliationSpec)
_progress: Final = msgspec.json.Decoder(ReconciliationProgress)
_outcome: Final = msgspec.json.Decoder(ReconciliationOutcome)


def read_spec(content: bytes) -> ReconciliationSpec:
    return _spec.decode(content)


def read_progress(content: bytes) -> ReconciliationProgress:
    """Decode the progress of a job; a job that is not done has an empty object."""
    return _progress.decode(content)


def read_outcome(content: bytes | None) -> ReconciliationOutcome:
    """Decode the outcome of a job; an open job has an empty outcome."""
    return _outcome.decode(content) if content else ReconciliationOutcome()


def new_job_id() -> bytes:
    """Return a random job id: the 16 bytes of a UUID of version 4."""
    return UUID(bytes=secrets.token_bytes(16), version=4).bytes


def queue_reconciliation(
    tenant: str, job: bytes, spec: ReconciliationSpec, now_us: int
) -> StoreOperation[Job]:
    """Queue a reconciliation of the calls at the current revision or later. Raises TooManyRequests."""
    revision = (yield from read_ledger_head(tenant)).revision
    new = NewJob(job, JobKind.RECONCILIATION, msgspec.json.encode(spec), revision)
    return (yield from add_job(tenant, new, now_us))


def unknown_jobs(tenant: str, jobs: list[bytes]) -> StoreOperation[list[bytes]]:
    found: list[bytes] = []
    for job in jobs:
        found += [] if (yield from find_job(tenant, job)) else [job]
    return found
