"""Findings of a reconciliation: kinds with their texts, single findings, and the report of a run."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from calltally.calls.times import utc_text
from calltally.calls.wire_types import Timestamp, UuidText


class FindingKind(StrEnum):
    """Kind of finding. The values are stable and public: programs may branch on them."""

    # Comparison with the events that a consumer received.
    MISSING_EVENT = "missing-event"
    UNKNOWN_CALL = "unknown-call"
    OTHER_FINAL_STATE = "other-final-state"
    REPEATED_EVENT = "repeated-event"
    WRONG_ORDER = "wrong-order"
    LATE_EVENT = "late-event"
    OTHER_TENANT = "other-tenant"
    DEAD_DELIVERY = "dead-delivery"
    # Comparison with a provider's list.
    UNHEARD_CALL = "unheard-call"
    UNLISTED_CALL = "unlisted-call"
    MISSING_FINAL_STATE = "missing-final-state"
    CONTRADICTION = "contradiction"
    OTHER_DURATION = "other-duration"
    OPEN_TOO_LONG = "open-too-long"
    # Either comparison.
    DUPLICATE_SID = "duplicate-sid"
    UNREADABLE = "unreadable"


def kind_title(kind: FindingKind) -> str:
    """Return the title of a kind for a table."""
    return kind.value.replace("-", " ").capitalize().replace("sid", "SID")


KIND_MEANINGS: Final[Mapping[FindingKind, str]] = {
    FindingKind.MISSING_EVENT: "The record has this state, but no event for it was received.",
    FindingKind.UNKNOWN_CALL: "An event was received for a call that has no record.",
    FindingKind.OTHER_FINAL_STATE: "The last event of the call has another final state than its record.",
    FindingKind.REPEATED_EVENT: (
        "An event was received more than once, or repeats the state of an earlier one."
    ),
    FindingKind.WRONG_ORDER: "An event was received after an event of a later state.",
    FindingKind.LATE_EVENT: "An event was received long after it was created.",
    FindingKind.OTHER_TENANT: "An event belongs to another tenant than the calls.",
    FindingKind.DEAD_DELIVERY: "All delivery attempts of the event failed, for three days.",
    FindingKind.UNHEARD_CALL: "The provider lists a call that has no record.",
    FindingKind.UNLISTED_CALL: "A call has a record, but the provider does not list it.",
    FindingKind.MISSING_FINAL_STATE: "The provider lists the call as ended, but the record is open.",
    FindingKind.CONTRADICTION: "The provider and the record have different final states.",
    FindingKind.OTHER_DURATION: "The provider and the record have different durations.",
    FindingKind.OPEN_TOO_LONG: "The call has been open for longer than calls usually are.",
    FindingKind.DUPLICATE_SID: "More than one record has this call SID.",
    FindingKind.UNREADABLE: "The entry at this position could not be read. It was skipped.",
}


class Finding(msgspec.Struct, frozen=True):
    """Difference between two sources.

    `ours` and `theirs` are the values of both sides (a status, or a duration in seconds as text), null if a
    side has none. `times` are RFC 3339 by name. `detail` is a sentence.
    """

    kind: FindingKind
    detail: str
    call_id: UuidText | None = None
    call_sid: str | None = None
    ours: str | None = None
    theirs: str | None = None
    event_ids: tuple[str, ...] = ()
    times: dict[str, Timestamp] = {}


def times_of(**instants_us: int | None) -> dict[str, str]:
    """Return the known instants (microseconds UTC) as the times of a finding."""
    return {name: utc_text(instant) for name, instant in instants_us.items() if instant is not None}


# Counts of compared objects whose names in the report are not what people say.
_COUNT_NAMES: Final[Mapping[str, str]] = {"asked": "looked up one by one", "made_later": "created later"}


def count_name(name: str) -> str:
    """Return the words for a count of compared objects, in the plural."""
    return _COUNT_NAMES.get(name, name.replace("_", " "))


class ReportWindow(msgspec.Struct, frozen=True):
    """Compared window of `created_at`, RFC 3339; null for an open end."""

    begins: str | None = msgspec.field(default=None, name="from")
    ends: str | None = msgspec.field(default=None, name="to")


class ReconciliationReport(msgspec.Struct):
    """Report of a run. `counts` are exact; `findings` has the first ones of each kind up to the limit."""

    compared: str
    window: ReportWindow = ReportWindow()
    looked_at: dict[str, int] = {}
    counts: dict[FindingKind, int] = {}
    findings: list[Finding] = []

    @property
    def is_clean(self) -> bool:
        return not any(self.counts.values())

    def of_kind(self, kind: FindingKind) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind == kind]


class FindingTally:
    """Counter of findings. Lists the first `most` of each kind (None: all)."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._counts: Counter[FindingKind] = Counter()
        self._listed: dict[FindingKind, list[Finding]] = {}

    def add(self, finding: Finding) -> None:
        self._counts[finding.kind] += 1
        if self._most is None or self._counts[finding.kind] <= self._most:
            self._listed.setdefault(finding.kind, []).append(finding)

    def report(
        self, compared: str, window: ReportWindow, examined: Mapping[str, int]
    ) -> ReconciliationReport:
        """Return the report; kinds are in the order of their table."""
        counts = {kind: self._counts[kind] for kind in FindingKind if self._counts[kind]}
        findings = [finding for kind in counts for finding in self._listed.get(kind, [])]
        return ReconciliationReport(compared, window, dict(examined), counts, findings)
