"""How well alerts told of the incidents: recall, precision, delay, and false alarms per route and week."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from bench.detection.incidents import Incident, Trouble
from bench.detection.labelled import LabelledMonth
from bench.detection.replaying import Alert, family_of
from calltally.alerts.model.series import COLUMN_INDEX, STEPS_AN_HOUR, StepColumn

# An alert this long after the end of an incident that it is about is late, and no false alarm.
_AFTERMATH_STEPS: Final = 24
_EFFECTIVE_CALLS: Final = 60
_TEN_MINUTES: Final = 2.0
_DRIFT_HOURS: Final = 72.0


class Detection(msgspec.Struct, frozen=True):
    """Of one incident: how many hours after its start an alert told of it, and whether in time.

    `in_outage` is whether its route's provider was down already when it began.
    """

    trouble: Trouble
    delay_hours: float | None
    in_time: bool
    in_outage: bool = False


class TroubleScore(msgspec.Struct, frozen=True):
    """Of all incidents of a kind. Delays are of those that were found; `in_time` has its limit by kind.

    A collapse: 60 calls times the over-dispersion, or ten minutes, whichever is later. A drift: three days.
    The rest: two hours.
    """

    trouble: Trouble
    incidents: int
    recall: float
    median_delay_hours: float | None
    p90_delay_hours: float | None
    in_time: float


class Score(msgspec.Struct, frozen=True):
    """Of a rule set. `false_alarms_a_week` is of a tenant, with the 95 % interval of a Poisson count."""

    name: str
    months: int
    alerts: int
    precision: float
    false_alarms_a_week: float
    low: float
    high: float
    false_alarms_a_route_and_week: float
    troubles: tuple[TroubleScore, ...]


class Tally:
    """Adds up months, so that only some of them need to be in memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.detections: list[Detection] = []
        self.alerts = self.false_alarms = self.months = 0
        self.weeks = self.route_weeks = 0.0

    def add(self, months: Sequence[LabelledMonth], alerts: Iterable[Alert]) -> None:
        """Incidents of some months, and the alerts for them."""
        by_month: list[list[Alert]] = [[] for _ in months]
        for alert in alerts:
            by_month[alert.month].append(alert)
        for month, detections in zip(months, by_month, strict=True):
            self._add(month, [alert for alert in detections if alert.opened > month.first_step])

    def _add(self, month: LabelledMonth, alerts: Sequence[Alert]) -> None:
        size = month.tenant.size
        spans = [_span(incident, month) for incident in month.incidents]
        self.months += 1
        self.weeks += size.days / 7
        self.route_weeks += size.routes * size.days / 7
        self.alerts += len(alerts)
        self.false_alarms += sum(not _has_reason(alert, spans) for alert in alerts)
        self.detections += [
            _detection(incident, span, month, alerts)
            for incident, span in zip(month.incidents, spans, strict=True)
        ]

    def join(self, other: "Tally") -> None:
        """Add what another one of the same name has counted, of other months."""
        self.detections += other.detections
        for name in ("alerts", "false_alarms", "months", "weeks", "route_weeks"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def score(self) -> Score:
        """All of it."""
        low, high = poisson_interval(self.false_alarms)
        return Score(
            name=self.name,
            months=self.months,
            alerts=self.alerts,
            precision=1 - self.false_alarms / self.alerts if self.alerts else 1.0,
            false_alarms_a_week=self.false_alarms / self.weeks,
            low=low / self.weeks,
            high=high / self.weeks,
            false_alarms_a_route_and_week=self.false_alarms / self.route_weeks,
            troubles=tuple(of_kind(kind, found) for kind in Trouble if (found := self._of(kind))),
        )

    def _of(self, kind: Trouble) -> list[Detection]:
        """Collapses in an outage are among the collapses, and once more by themselves."""
        if kind is Trouble.COLLAPSE_IN_OUTAGE:
            return [each for each in self.detections if each.trouble is Trouble.COLLAPSE and each.in_outage]
        return [each for each in self.detections if each.trouble is kind]


def _detection(incident: Incident, span: "_Span", month: LabelledMonth, alerts: Sequence[Alert]) -> Detection:
    opened = [
        alert.opened
        for alert in alerts
        if span.first < alert.opened <= span.last + 1 and alert.series in span.series
    ]
    in_outage = any(_is_outage_of(each, incident) for each in month.incidents)
    if not opened:
        return Detection(incident.trouble, None, in_time=False, in_outage=in_outage)
    delay = min(opened) - incident.first_step
    in_time = delay <= _limit_steps(incident, month)
    return Detection(incident.trouble, delay / STEPS_AN_HOUR, in_time, in_outage)


def _is_outage_of(other: Incident, incident: Incident) -> bool:
    """Decide whether a failure of the whole provider began before this incident, which is part of it."""
    return (
        other.trouble is Trouble.PROVIDER_DOWN
        and incident is not other
        and other.first_step <= incident.first_step < other.last_step
        and incident.routes[0] in other.routes
    )


def _limit_steps(incident: Incident, month: LabelledMonth) -> float:
    if incident.trouble is Trouble.DRIFT:
        return _DRIFT_HOURS * STEPS_AN_HOUR
    if incident.trouble not in {Trouble.COLLAPSE, Trouble.PROVIDER_DOWN}:
        return 2.0 * STEPS_AN_HOUR
    first = int(incident.first_step)
    calls = month.steps[
        first : first + incident.steps, COLUMN_INDEX[StepColumn.FINAL], incident.routes[0]
    ].cumsum()
    # Up to the step in which the last of them came: it is judged when it is over.
    last = first + int(np.searchsorted(calls, _EFFECTIVE_CALLS * incident.spread)) + 1
    return max(_TEN_MINUTES, last - incident.first_step)


class _Span(NamedTuple):
    """When an incident is, in steps, and the series that have calls of its routes."""

    first: float
    last: float
    series: frozenset[int]


def _span(incident: Incident, month: LabelledMonth) -> _Span:
    size, family = month.tenant.size, family_of(month.tenant)
    routes = [1 + size.providers + size.agents + route for route in incident.routes]
    series = {
        each for route in routes for each in (route, *family.agents_of[route], *family.ancestors(route))
    }
    return _Span(incident.first_step, incident.last_step, frozenset(series))


def _has_reason(alert: Alert, spans: Sequence[_Span]) -> bool:
    return any(
        span.first < alert.opened <= span.last + _AFTERMATH_STEPS and alert.series in span.series
        for span in spans
    )


def of_kind(kind: Trouble, detections: Sequence[Detection]) -> TroubleScore:
    """Return the alerts for all incidents of a kind."""
    delays = [each.delay_hours for each in detections if each.delay_hours is not None]
    return TroubleScore(
        trouble=kind,
        incidents=len(detections),
        recall=len(delays) / len(detections),
        median_delay_hours=float(np.median(delays)) if delays else None,
        p90_delay_hours=float(np.quantile(delays, 0.9)) if delays else None,
        in_time=sum(each.in_time for each in detections) / len(detections),
    )


def poisson_interval(count: int) -> tuple[float, float]:
    """95 %, by Byar's approximation to the exact interval."""
    above = count + 1
    low = count * (1 - 1 / (9 * count) - 1.96 / (3 * count**0.5)) ** 3 if count else 0.0
    return low, above * (1 - 1 / (9 * above) + 1.96 / (3 * above**0.5)) ** 3
