"""What a reconciliation job is asked for, and what came of it, as the job's JSON has them."""

from enum import StrEnum
from typing import Final

import msgspec

from calltally.calls.windows import Window

# The file of the job's folder that the events lie in, as they were uploaded.
EVENTS_FILE: Final = "events.ndjson"
# What the findings are called for whoever fetches them.
FINDINGS_NAME: Final = "findings.ndjson"


class Against(StrEnum):
    """What calls are compared with."""

    PROVIDER = "provider"
    EVENTS = "events"


class ReconciliationSpec(msgspec.Struct, frozen=True):
    """Calls created from `from_us` to before `to_us` (microseconds UTC), against whom, and how."""

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
    def window(self) -> Window:
        """The window on our calls' `created_at`."""
        return Window(self.from_us, self.to_us)


class Outcome(msgspec.Struct, frozen=True):
    """What came of it: exact counts by kind, or why it could not be done."""

    counts: dict[str, int] = {}
    looked_at: dict[str, int] = {}
    healed: dict[str, int] | None = None
    error: dict[str, str] | None = None


class Kept(msgspec.Struct, frozen=True):
    """The files of findings: their names begin with `stem`. Of `unplaced` findings no call is noted."""

    stem: str
    unplaced: int = 0

    @property
    def lines(self) -> str:
        """One finding a line."""
        return f"{self.stem}.ndjson"

    @property
    def starts(self) -> str:
        """Where each line begins, 8 bytes each."""
        return f"{self.stem}.starts"

    @property
    def ids(self) -> str:
        """Of each call that is named, the first 8 bytes of its id."""
        return f"{self.stem}.ids"


class Progress(msgspec.Struct, frozen=True):
    """Nothing until all is done: then where the findings are, and what came of it."""

    kept: Kept | None = None
    outcome: Outcome | None = None


_spec: Final = msgspec.json.Decoder(ReconciliationSpec)
_progress: Final = msgspec.json.Decoder(Progress)
_outcome: Final = msgspec.json.Decoder(Outcome)


def read_spec(content: bytes) -> ReconciliationSpec:
    """The spec of a job."""
    return _spec.decode(content)


def read_progress(content: bytes) -> Progress:
    """The progress of a job; that of one that is not done is an empty object."""
    return _progress.decode(content)


def read_outcome(content: bytes | None) -> Outcome:
    """What came of a job; of one that is open nothing yet."""
    return _outcome.decode(content) if content else Outcome()
