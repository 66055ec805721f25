"""What a detector finds: one value, with all the evidence that a person needs to believe it or not."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from calltally.alerts.model.series import Dimension, Metric, SeriesKey


class AlertKind(StrEnum):
    """What it is about. The values are stable and public."""

    RATE = "rate"
    SILENCE = "silence"
    MISSING_FINAL_STATE = "missing-final-state"
    DUPLICATE_SID = "duplicate-sid"
    CALLBACK_LAG = "callback-lag"
    SIGNATURE_FAILURES = "signature-failures"
    DELIVERY_FAILURES = "delivery-failures"
    DEAD_LETTERS = "dead-letters"


class FindingChange(StrEnum):
    """Where it stands. `began` opens an alert, `continues` renews its evidence, `recovered` closes it.

    `worsened` is news of one that is open: it has become far more than was told. `recovered` is evidence, not
    its lack: the opposite hypothesis has crossed its own threshold.
    """

    BEGAN = "began"
    CONTINUES = "continues"
    WORSENED = "worsened"
    RECOVERED = "recovered"


class ChangeDirection(StrEnum):
    """Which way a number moved."""

    UP = "up"
    DOWN = "down"


class DetectionSpeed(StrEnum):
    """Which of the three looks at a rate found it: minutes, hours or days."""

    COLLAPSE = "collapse"
    SHIFT = "shift"
    DRIFT = "drift"


class FindingEvidence(msgspec.Struct, frozen=True):
    """A number of a window against what is usual: counts, rates (0 to 1), or seconds, as the kind says.

    `events` of `calls` are what `observed` is made of, so that a reader can check it. `low` and `high`
    bound the expected value: 95 of 100 usual windows lie between.
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
    """One thing that is unusual, or is usual again.

    `key` is the same from `began` to `recovered`. `since_us` is the change point: the first instant from
    which on the evidence speaks against what is usual. `found_us` is the end of the step that told.
    `sureness` is in natural logarithms of a likelihood ratio: e to that power times likelier if something
    changed. `false_alarms_a_week` is how often something as strong comes by chance over the whole tenant,
    and `budget_a_week` what the user allowed. `children` are finer series that moved with it, as evidence.
    `listed` are the parameters of `GET /api/v1/call-logs` that list the calls. `sids` names calls where a
    finding is about single ones.
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
        """What the alert of this finding is known by while it lasts: `rate/route/support/failure_rate/up`."""
        dimension, value = self.series
        metric = self.metric or "-"
        return f"{self.kind}/{dimension}/{value or '-'}/{metric}/{self.direction}"


# The parameter of the list that names a series; a tenant's calls need none.
LIST_PARAMETERS: Final[Mapping[Dimension, str]] = {
    Dimension.PROVIDER: "provider",
    Dimension.PROVIDER_ACCOUNT: "provider_account",
    Dimension.ROUTE: "route",
    Dimension.AGENT: "agent",
}
# The states that a metric's events have, where the list can filter by them.
STATUS_FILTERS: Final[Mapping[Metric, str]] = {
    Metric.FAILURE_RATE: "failed",
    Metric.NO_ANSWER_RATE: "no-answer",
    Metric.PROVIDER_FAILURE_RATE: "failed",
}
