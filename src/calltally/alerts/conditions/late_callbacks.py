"""Findings of late callbacks, from the facts of the calls that changed last."""

from typing import Final

from calltally.alerts.conditions.callback_lag import (
    LaggingSeries,
    UsualLag,
    callback_delays,
    lagging_series,
    may_lag,
    median_lag_us,
    newest_of_series,
)
from calltally.alerts.evaluation.messages import series_phrase, since_text
from calltally.alerts.model.finding import (
    LIST_PARAMETERS,
    AlertFinding,
    AlertKind,
    ChangeDirection,
    FindingChange,
    FindingEvidence,
)
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.db.operation import StoreOperation
from calltally.store.ledger.recent_facts import facts_of_changed, facts_of_created

# Late callbacks stay in the alert for this long if no punctual ones follow.
_LOOK_BACK_US: Final = 6 * 3_600 * SECOND_US
_MAX_CHANGED: Final = 1_000
# The usual lag is learned from some calls of each four hours of a fortnight, once a series may be late.
_DAYS: Final = 14
_SLICES_PER_DAY: Final = 6
_CALLS_PER_SLICE: Final = 30
_SLICE_US: Final = DAY_US // _SLICES_PER_DAY
_MINUTE_S: Final = 60
_MAX_SIDS: Final = 20


def late_callbacks(tenant: str, now_us: int, tz: str) -> StoreOperation[list[AlertFinding]]:
    """Return a finding for each provider or account with callbacks later than usual."""
    since_us = now_us - _LOOK_BACK_US
    facts = yield from facts_of_changed(tenant, since_us, _MAX_CHANGED)
    newest = newest_of_series(callback_delays(facts), since_us, now_us)
    if not may_lag(newest):
        return []
    learned = yield from facts_of_created(tenant, _slices(now_us), _CALLS_PER_SLICE)
    return [_finding(each, now_us, tz) for each in lagging_series(newest, callback_delays(learned))]


def _slices(now_us: int) -> list[tuple[int, int]]:
    first_us = now_us - (_DAYS + 1) * DAY_US
    starts_us = [first_us + at * _SLICE_US for at in range(_DAYS * _SLICES_PER_DAY)]
    return [(start_us, start_us + _SLICE_US) for start_us in starts_us]


def _finding(found: LaggingSeries, now_us: int, tz: str) -> AlertFinding:
    since_us = found.late[0].received_us
    sids = list(dict.fromkeys(each.call_sid for each in found.late))
    return AlertFinding(
        kind=AlertKind.CALLBACK_LAG,
        change=FindingChange.BEGAN,
        series=found.series,
        metric=None,
        direction=ChangeDirection.UP,
        since_us=since_us,
        found_us=now_us,
        evidence=_evidence(found, since_us, now_us),
        detail=_detail(found, since_text(since_us, now_us, tz)),
        sureness=0.0,
        false_alarms_a_week=0.0,
        budget_a_week=0.0,
        listed={LIST_PARAMETERS[found.series.dimension]: found.series.value},
        sids=tuple(sids[:_MAX_SIDS]),
    )


def _evidence(found: LaggingSeries, since_us: int, now_us: int) -> FindingEvidence:
    """Return evidence that counts callbacks, and late ones, in place of calls; its rates are seconds."""
    usual = found.usual or UsualLag(0, 0, found.limit_us)
    observed_s = median_lag_us(found.newest) / SECOND_US
    expected_s, low_s, high_s = (each / SECOND_US for each in (usual.median_us, usual.low_us, usual.high_us))
    counted = (len(found.newest), len(found.late))
    return FindingEvidence(
        found.series, None, since_us, now_us, *counted, observed_s, expected_s, low_s, high_s
    )


def _detail(found: LaggingSeries, since: str) -> str:
    against = "the usual delay is not known yet"
    if found.usual is not None:
        against = f"usually 97 of 100 come within {_span(found.usual.high_us)}"
    late = f"{len(found.late)} of the last {len(found.newest)} came late"
    half = f"half of them by {_span(median_lag_us(found.late))} or more"
    return f"Late callbacks {series_phrase(found.series)}: {late}, {half}, since {since}; {against}"


def _span(span_us: int) -> str:
    seconds = -(-span_us // SECOND_US)
    return f"{seconds // _MINUTE_S} min" if seconds >= 2 * _MINUTE_S else f"{seconds} s"
