"""What a reconciliation finds: each kind with its words, one finding, and the report of a run."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from calltally.calls.times import utc_text


class Kind(StrEnum):
    """What does not add up. The values are stable and public: programs may branch on them."""

    # Against the events that a consumer received.
    MISSING_EVENT = "missing-event"
    UNKNOWN_CALL = "unknown-call"
    OTHER_FINAL_STATE = "other-final-state"
    REPEATED_EVENT = "repeated-event"
    WRONG_ORDER = "wrong-order"
    LATE_EVENT = "late-event"
    OTHER_TENANT = "other-tenant"
    DEAD_DELIVERY = "dead-delivery"
    # Against a provider's list.
    UNHEARD_CALL = "unheard-call"
    UNLISTED_CALL = "unlisted-call"
    MISSING_FINAL_STATE = "missing-final-state"
    CONTRADICTION = "contradiction"
    OTHER_DURATION = "other-duration"
    OPEN_TOO_LONG = "open-too-long"
    # Either way.
    DUPLICATE_SID = "duplicate-sid"
    UNREADABLE = "unreadable"


class Words(NamedTuple):
    """A kind in plain words: a title for a table, and a sentence that says what it means."""

    title: str
    meaning: str


WORDS: Final[Mapping[Kind, Words]] = {
    Kind.MISSING_EVENT: Words("Missing event", "The record has it, and no event that says so was received."),
    Kind.UNKNOWN_CALL: Words("Unknown call", "An event was received of a call that there is no record of."),
    Kind.OTHER_FINAL_STATE: Words(
        "Other final state", "The last event of the call says another final state than its record."
    ),
    Kind.REPEATED_EVENT: Words(
        "Repeated event", "An event was received more than once, or said again what was said before."
    ),
    Kind.WRONG_ORDER: Words("Wrong order", "An event was received after one that tells of a later state."),
    Kind.LATE_EVENT: Words("Late event", "An event was received long after it was made."),
    Kind.OTHER_TENANT: Words("Other tenant", "An event is of another tenant than the calls."),
    Kind.DEAD_DELIVERY: Words("Dead delivery", "The event was tried for three days, and given up."),
    Kind.UNHEARD_CALL: Words("Unheard call", "The provider lists a call that there is no record of."),
    Kind.UNLISTED_CALL: Words(
        "Unlisted call", "There is a record of a call that the provider does not list."
    ),
    Kind.MISSING_FINAL_STATE: Words(
        "Missing final state", "The provider says that the call is over, and the record has it open."
    ),
    Kind.CONTRADICTION: Words(
        "Contradiction", "The provider says another final state than the record, which is final too."
    ),
    Kind.OTHER_DURATION: Words("Other duration", "The provider says another duration than the record."),
    Kind.OPEN_TOO_LONG: Words("Open too long", "The call has been open for longer than calls are."),
    Kind.DUPLICATE_SID: Words("Duplicate SID", "More than one record has this call SID."),
    Kind.UNREADABLE: Words("Unreadable", "What stands at this place could not be read, and was passed over."),
}


class Finding(msgspec.Struct, frozen=True):
    """One thing that does not add up.

    `ours` and `theirs` are what the two sides say (a status, a duration in seconds as text), null where a
    side says nothing. `times` are RFC 3339 by the name of what happened then. `detail` is a sentence.
    """

    kind: Kind
    detail: str
    call_id: str | None = None
    call_sid: str | None = None
    ours: str | None = None
    theirs: str | None = None
    event_ids: tuple[str, ...] = ()
    times: dict[str, str] = {}


def times_of(**instants_us: int | None) -> dict[str, str]:
    """The instants (microseconds UTC) that are known, as a finding has them."""
    return {name: utc_text(instant) for name, instant in instants_us.items() if instant is not None}


class Span(msgspec.Struct, frozen=True):
    """The window on `created_at` that was compared, RFC 3339; null where it has no bound."""

    begins: str | None = msgspec.field(default=None, name="from")
    ends: str | None = msgspec.field(default=None, name="to")


class Report(msgspec.Struct):
    """What one run found. `counts` are exact; `findings` are the first of each kind, up to what was asked."""

    compared: str
    window: Span = Span()
    looked_at: dict[str, int] = {}
    counts: dict[Kind, int] = {}
    findings: list[Finding] = []

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.counts.values())

    def of(self, kind: Kind) -> list[Finding]:
        """Those findings of one kind that are listed."""
        return [finding for finding in self.findings if finding.kind == kind]


class Tally:
    """Counts findings as they come, and keeps the first `most` of each kind (None: all)."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._counts: Counter[Kind] = Counter()
        self._kept: dict[Kind, list[Finding]] = {}

    def add(self, finding: Finding) -> None:
        """Count one more."""
        self._counts[finding.kind] += 1
        if self._most is None or self._counts[finding.kind] <= self._most:
            self._kept.setdefault(finding.kind, []).append(finding)

    def report(self, compared: str, window: Span, looked_at: Mapping[str, int]) -> Report:
        """The report of all that was counted, kinds in the order of their table."""
        counts = {kind: self._counts[kind] for kind in Kind if self._counts[kind]}
        findings = [finding for kind in counts for finding in self._kept.get(kind, [])]
        return Report(compared, window, dict(looked_at), counts, findings)
