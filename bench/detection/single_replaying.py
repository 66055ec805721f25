"""Single calls of a made-up month through the detectors that look at them: what is told, and when."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from bench.detection.incidents import Trouble
from bench.detection.month.tenant import HOURS_A_DAY, HOURS_A_WEEK
from bench.detection.replaying import family_of
from bench.detection.single_calls import DAYS, HISTORY_DAYS, NEVER_S, SingleIncident, SingleMonth
from calltally.alerts.conditions.duplicate_sids import CallIdentity, contradictions
from calltally.alerts.conditions.stuck_calls import PastCall, limit_us
from calltally.alerts.detection.signals import Floats
from calltally.alerts.detection.silence import SilenceMonitor
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import STEP_US, STEPS_AN_HOUR
from calltally.calls.model import Status
from calltally.calls.times import SECOND_US

ROUND_S: Final = STEP_US // SECOND_US
_HOUR_S: Final = 3600
_FIRST_S: Final = HISTORY_DAYS * HOURS_A_DAY * _HOUR_S
_LAST_S: Final = (HISTORY_DAYS + DAYS) * HOURS_A_DAY * _HOUR_S
_LEARNED: Final = 1_000
_MATURE_HOURS: Final = 14 * HOURS_A_DAY
_WORKDAYS: Final = 5
_NATIONAL_SHARE: Final = 0.3


class SingleAlert(NamedTuple):
    """One thing that was told: of which kind, which route (-1: of several), when, and about which calls."""

    trouble: Trouble
    route: int
    at_s: float
    calls: frozenset[int]

    def is_about(self, incident: SingleIncident) -> bool:
        """Decide whether it belongs to an incident."""
        if incident.trouble is Trouble.SILENCE:
            is_then = incident.first_s < self.at_s <= incident.last_s + ROUND_S
            return self.trouble is Trouble.SILENCE and is_then and self.route == incident.route
        is_double = incident.trouble is Trouble.DUPLICATE_SID
        kind = Trouble.DUPLICATE_SID if is_double else Trouble.STUCK_CALL
        return self.trouble is kind and bool(self.calls & incident.calls)


def alerts_of(month: SingleMonth, rules: Rules) -> list[SingleAlert]:
    """All that is told of a month in its scored days."""
    found = [*_stuck(month, rules), *_duplicates(month), *_silences(month, rules)]
    return [each for each in found if each.at_s >= _FIRST_S]


# ----------------------------------------------------------------------------------------- open for too long


class _Spells(NamedTuple):
    """Calls as they are known to be in one state: since when, heard of from when on, and left when."""

    status: Status
    floor_s: float
    since: Floats
    heard: Floats
    left: Floats


def _spells(month: SingleMonth, rules: Rules) -> tuple[_Spells, _Spells]:
    calls, floors = month.calls, rules.floors
    left = np.minimum(calls.reported_answered, calls.reported_ended)
    rings = _Spells(Status.RINGING, floors.ringing_hours * _HOUR_S, calls.created, calls.created, left)
    # Of a call whose answer was not told, nobody knows that it is in progress.
    in_progress = _Spells(
        Status.IN_PROGRESS,
        floors.in_progress_hours * _HOUR_S,
        np.where(calls.reported_answered < NEVER_S, calls.answered, NEVER_S),
        calls.reported_answered,
        calls.reported_ended,
    )
    return rings, in_progress


def _stuck(month: SingleMonth, rules: Rules) -> Iterator[SingleAlert]:
    """Each call that is open beyond its limit, at the round in which it is found."""
    for spells in _spells(month, rules):
        long = (spells.since < _LAST_S) & (spells.left > spells.since + spells.floor_s)
        for call in np.flatnonzero(long).tolist():
            at_s = _found_at(month, spells, call)
            if at_s is not None:
                yield SingleAlert(Trouble.STUCK_CALL, int(month.calls.route[call]), at_s, frozenset({call}))


def _found_at(month: SingleMonth, spells: _Spells, call: int) -> float | None:
    """The first round in which it is beyond the limit; None where it leaves before."""
    at_s = _round_after(max(spells.since[call] + spells.floor_s, spells.heard[call]))
    while at_s < min(float(spells.left[call]), _LAST_S):
        limit_s = _limit_s(month, spells, int(month.calls.route[call]), at_s)
        if at_s - spells.since[call] > max(limit_s, spells.floor_s):
            return at_s
        at_s = max(at_s + ROUND_S, _round_after(float(spells.since[call]) + limit_s))
    return None


def _limit_s(month: SingleMonth, spells: _Spells, route: int, at_s: float) -> float:
    """Return the last calls of a route, as they are known at that time."""
    calls = month.calls
    before = int(np.searchsorted(calls.created, at_s))
    of_route = calls.route[:before] == route
    over = np.flatnonzero(of_route & (calls.reported_ended[:before] <= at_s))[-_LEARNED:]
    past = [
        PastCall(
            int(calls.created[each] * SECOND_US),
            int(calls.answered[each] * SECOND_US) if calls.answered[each] < NEVER_S else None,
            int(calls.ended[each] * SECOND_US),
        )
        for each in over
    ]
    age = at_s - spells.since[:before]
    is_open = of_route & (age > spells.floor_s) & (spells.left[:before] > at_s)
    open_us = (age[is_open] * SECOND_US).astype(np.int64).tolist()
    return limit_us(spells.status, past, open_us) / SECOND_US


def _round_after(instant_s: float) -> float:
    return float((instant_s // ROUND_S + 1) * ROUND_S)


# ----------------------------------------------------------------------------------------- SIDs of two calls


def _duplicates(month: SingleMonth) -> Iterator[SingleAlert]:
    """Each SID whose tellings cannot be of one call. Numbers are told now in one notation, now in another."""
    calls = month.calls
    is_national = np.random.default_rng([month.seed, 3]).random(len(calls.sid)) < _NATIONAL_SHARE
    order = np.argsort(calls.sid, kind="stable")
    bounds = np.flatnonzero(np.diff(calls.sid[order], prepend=-1, append=-1))
    for first, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        positions = sorted(order[first:end].tolist())
        identities = [
            identity
            for position in positions
            for identity in _identities(month, position, bool(is_national[position]))
        ]
        if contradictions(identities):
            at_s = _round_after(float(calls.created[positions[-1]]))
            yield SingleAlert(
                Trouble.DUPLICATE_SID, int(calls.route[positions[-1]]), at_s, frozenset(positions)
            )


def _identities(month: SingleMonth, position: int, is_national: bool) -> list[CallIdentity]:  # noqa: FBT001 - of an array
    calls = month.calls
    number, other = f"+4930{int(calls.caller[position]):07d}", f"+4989{int(calls.route[position]):07d}"
    sid, at_us = f"sid-{int(calls.sid[position])}", int(calls.created[position] * SECOND_US)
    again = f"0{number[3:]}" if is_national else number
    return [
        CallIdentity(sid, at_us, "inbound", number, other),
        CallIdentity(sid, at_us + SECOND_US, "inbound", again, other),
    ]


# --------------------------------------------------------------------------------------------------- silence


def _silences(month: SingleMonth, rules: Rules) -> Iterator[SingleAlert]:
    family = family_of(month.tenant)
    counts = _counts(month, family.parents)
    silence, parents = SilenceMonitor(counts.shape[1]), np.array(family.parents)
    everything = np.ones(counts.shape[1], dtype=np.bool_)
    first_route = counts.shape[1] - month.tenant.size.routes
    for at, started in enumerate(counts):
        hour = at // STEPS_AN_HOUR
        live = everything if hour >= _MATURE_HOURS else ~everything
        silence.recover(silence.step(at, started, _bin(hour), live))
        for position in silence.fall(silence.threshold(rules.false_alarms_a_week, everything), live, parents):
            route = int(position) - first_route if position >= first_route else -1
            yield SingleAlert(Trouble.SILENCE, route, float((at + 1) * ROUND_S), frozenset())
        if at % STEPS_AN_HOUR == STEPS_AN_HOUR - 1:
            silence.end_hour(_bin(hour), everything)


def _counts(month: SingleMonth, parents: Sequence[int]) -> Floats:
    """Calls that begin in each step, (steps, series), of all series."""
    steps, size = _LAST_S // ROUND_S, month.tenant.size
    counts = np.zeros((steps, len(parents)))
    positions = (month.calls.created // ROUND_S).astype(np.int64)
    routes = month.calls.route
    above = (np.zeros_like(routes), 1 + month.tenant.provider_of[routes])
    agents = 1 + size.providers + month.tenant.agent_of[routes]
    for series in (*above, agents, 1 + size.providers + size.agents + routes):
        np.add.at(counts, (positions, series), 1.0)
    return counts


def _bin(hour: int) -> int:
    day, of_day = divmod(hour % HOURS_A_WEEK, HOURS_A_DAY)
    return of_day + (HOURS_A_DAY if day >= _WORKDAYS else 0)
