"""Findings of the detectors and conditions, with the evidence that a person needs to check them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from calltally.alerts.model.series import Metric, SeriesKey

# Limit of the calls that one finding names.
_MAX_SIDS: Final = 20


class AlertKind(StrEnum):
    """Kind of an alert. The values are stable and public."""

    RATE = "rate"
    SILENCE = "silence"
    MISSING_FINAL_STATE = "missing-final-state"
    DUPLICATE_SID = "duplicate-sid"
    CALLBACK_LAG = "callback-lag"
    SIGNATURE_FAILURES = "signature-failures"
    DELIVERY_FAILURES = "delivery-failures"
    DEAD_LETTERS = "dead-letters"


class FindingChange(StrEnum):
    """Change of a finding: `began` opens an alert, `continues` renews its evidence, `recovered` closes it.

    `worsened` means that an open alert has become far worse than reported. `recovered` rests on evidence, not
    on its absence: the opposite hypothesis has crossed its own threshold.
    """

    BEGAN = "began"
    CONTINUES = "continues"
    WORSENED = "worsened"
    RECOVERED = "recovered"


class ChangeDirection(StrEnum):
    """Direction in which a number moved."""

    UP = "up"
    DOWN = "down"


class DetectionSpeed(StrEnum):
    """Speed of the detector that found the change: minutes, hours or days."""

    COLLAPSE = "collapse"
    SHIFT = "shift"
    DRIFT = "drift"


class FindingEvidence(msgspec.Struct, frozen=True):
    """Measurement of a window against its usual value: counts, rates (0 to 1) or seconds, by the kind.

    `observed` is `events` out of `calls`, so that a reader can check it. `low` and `high` bound the expected
    value: 95 of 100 usual windows lie between them.
    """

    series: SeriesKey
    metric: Metric | None
    from_us: int
    to_us: int
    calls: int
    events: int
    observed: float
    expected: float
    low: float
    high: float


class AlertFinding(msgspec.Struct, frozen=True):
    """An unusual measurement or condition, or its recovery.

    `key` is the same from `began` to `recovered`. `since_us` is the change point: the first instant with
    evidence against the usual value. `found_us` is the end of the step that reported it. `sureness` is the
    natural logarithm of a likelihood ratio: e to that power times likelier if something changed.
    `false_alarms_a_week` is the expected number of equally strong findings by chance, over the whole tenant,
    and `budget_a_week` is the number that the user allows. `children` are finer series that moved with it, as
    evidence. `listed` are the parameters of `GET /api/v1/call-logs` that list the calls. `sids` names calls
    if a finding concerns single ones.
    """

    kind: AlertKind
    change: FindingChange
    series: SeriesKey
    metric: Metric | None
    direction: ChangeDirection
    since_us: int
    found_us: int
    evidence: FindingEvidence
    detail: str
    sureness: float
    false_alarms_a_week: float
    budget_a_week: float
    speed: DetectionSpeed | None = None
    children: tuple[FindingEvidence, ...] = ()
    listed: Mapping[str, str] = {}
    sids: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Identity of the finding's alert while it lasts: `rate/route/support/failure_rate/up`."""
        dimension, value = self.series
        metric = self.metric or "-"
        return f"{self.kind}/{dimension}/{value or '-'}/{metric}/{self.direction}"


def counted_evidence(
    series: SeriesKey, since_us: int, now_us: int, count: int, calls: int
) -> FindingEvidence:
    """Return the evidence of a condition that holds for `count` of `calls` items."""
    return FindingEvidence(series, None, since_us, now_us, calls, count, float(count), 0.0, 0.0, 0.0)


def condition_finding(
    kind: AlertKind,
    evidence: FindingEvidence,
    detail: str,
    listed: Mapping[str, str] = {},
    sids: Iterable[str] = (),
) -> AlertFinding:
    """Return the finding of a condition that holds at the end of the evidence."""
    return AlertFinding(
        kind=kind,
        change=FindingChange.BEGAN,
        series=evidence.series,
        metric=None,
        direction=ChangeDirection.UP,
        since_us=evidence.from_us,
        found_us=evidence.to_us,
        evidence=evidence,
        detail=detail,
        sureness=0.0,
        false_alarms_a_week=0.0,
        budget_a_week=0.0,
        listed=listed,
        sids=tuple(sids)[:_MAX_SIDS],
    )


# State of a metric's events, for metrics that the list can filter by state.
STATUS_FILTERS: Final[Mapping[Metric, str]] = {
    Metric.FAILURE_RATE: "failed",
    Metric.NO_ANSWER_RATE: "no-answer",
    Metric.PROVIDER_FAILURE_RATE: "failed",
}
