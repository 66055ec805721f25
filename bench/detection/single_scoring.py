"""How well detectors told of what is labelled among single calls: recall, delay, false alarms.

Whatever is told and is about no incident is a false alarm, each call for itself.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from bench.detection.incidents import Trouble
from bench.detection.month.tenant import HOURS_A_WEEK
from bench.detection.score_run import OURS, Report
from bench.detection.scoring import Detection, Score, of_kind, poisson_interval
from bench.detection.single_calls import DAYS, ROUTES, SingleIncident, SingleMonth, single_month
from bench.detection.single_replaying import ROUND_S, SingleAlert, alerts_of
from calltally.alerts.model.rules import Rules

_HOUR_S: Final = 3600
# In time is within so many rounds of when it can first be known.
_ROUNDS: Final = 2
_MISSED_CALLS: Final = 60.0
_SINGLE: Final = (Trouble.STUCK_CALL, Trouble.LOST_CALLBACKS, Trouble.DUPLICATE_SID, Trouble.SILENCE)


def scored_calls(
    seeds: Sequence[int], rules: Rules, on_report: Callable[[Report], None], calls_an_hour: float = 25.0
) -> Report:
    """Score a month of single calls for each seed. `told` gets the report so far after each."""
    found, alerts, false_alarms = list[Detection](), 0, 0
    report = Report(seeds[0], 0, ROUTES, rules.false_alarms_a_week, ())
    for months, seed in enumerate(seeds, start=1):
        month = single_month(seed, calls_an_hour)
        found_alerts = alerts_of(month, rules)
        alerts += len(found_alerts)
        false_alarms += sum(not any(map(each.is_about, month.incidents)) for each in found_alerts)
        found += [_detection(incident, month, found_alerts, rules) for incident in month.incidents]
        score = _score(months, alerts, false_alarms, found)
        report = Report(seeds[0], months, ROUTES, rules.false_alarms_a_week, (score,))
        on_report(report)
    return report


def _score(months: int, alerts: int, false_alarms: int, found: Sequence[Detection]) -> Score:
    weeks = months * DAYS / 7
    low, high = poisson_interval(false_alarms)
    by_kind = [(kind, [each for each in found if each.trouble is kind]) for kind in _SINGLE]
    return Score(
        name=OURS,
        months=months,
        alerts=alerts,
        precision=1 - false_alarms / alerts if alerts else 1.0,
        false_alarms_a_week=false_alarms / weeks,
        low=low / weeks,
        high=high / weeks,
        false_alarms_a_route_and_week=false_alarms / weeks / ROUTES,
        troubles=tuple(of_kind(kind, on_report) for kind, on_report in by_kind if on_report),
    )


def _detection(
    incident: SingleIncident, month: SingleMonth, found: Sequence[SingleAlert], rules: Rules
) -> Detection:
    at_s = min((each.at_s for each in found if each.is_about(incident)), default=None)
    if at_s is None:
        return Detection(incident.trouble, None, in_time=False)
    delay_s = at_s - incident.first_s
    known_s = _known_after_s(incident, month, rules)
    return Detection(incident.trouble, delay_s / _HOUR_S, in_time=delay_s <= known_s + _ROUNDS * ROUND_S)


def _known_after_s(incident: SingleIncident, month: SingleMonth, rules: Rules) -> float:
    """How long after its start it can first be known, by the rules."""
    if incident.trouble is Trouble.DUPLICATE_SID:
        return 0.0
    if incident.trouble is Trouble.SILENCE:
        return _missed_after_s(incident, month)
    is_ringing = not any(month.calls.reported_answered[call] < np.inf for call in incident.calls)
    is_early = is_ringing or incident.trouble is Trouble.LOST_CALLBACKS
    return (rules.floors.ringing_hours if is_early else rules.floors.in_progress_hours) * _HOUR_S


def _missed_after_s(incident: SingleIncident, month: SingleMonth) -> float:
    """When so many calls of the route should have come."""
    minutes = np.arange(incident.first_s, incident.last_s, 60.0)
    hours = (minutes // _HOUR_S).astype(np.int64) % HOURS_A_WEEK
    missed = (month.tenant.week[hours] * month.tenant.volume[incident.route] / 60).cumsum()
    return float(np.searchsorted(missed, _MISSED_CALLS) * 60.0)
