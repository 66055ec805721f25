"""Single calls of a made-up tenant, when each of their callbacks comes, and what is labelled among them.

A month of a few routes, of which the first half is history. A call rings, is answered or not, and ends; what
became of it is told some seconds later, and one time in five hundred a minute later or more, as where a
provider tries again.
"""

from typing import Final, NamedTuple

import numpy as np

from bench.detection.incidents import Trouble
from bench.detection.month.tenant import HOURS_A_DAY, HOURS_A_WEEK, Size, SyntheticTenant, tenant
from calltally.alerts.detection.signals import Flags, Floats, Ints

HISTORY_DAYS: Final = 15
DAYS: Final = 15
_HOUR_S: Final = 3600
ROUTES: Final = 6
_STUCK: Final = 6
_DUPLICATES: Final = 6
_SILENCES: Final = 2
# A callback is lost where this is when it comes.
NEVER_S: Final = np.inf
_LATE_SHARE: Final = 0.002
_LATE_S: Final = 60.0


class Calls(NamedTuple):
    """All calls in the order of their creation, times in seconds from the start; NEVER_S for what is not.

    `told_...` is when the callback of it comes. `sid` numbers SIDs, `caller` the numbers of callers.
    """

    route: Ints
    created: Floats
    answered: Floats
    ended: Floats
    reported_answered: Floats
    reported_ended: Floats
    sid: Ints
    caller: Ints


class SingleIncident(NamedTuple):
    """One incident: of which route, from when to when, and which calls (places in `Calls`) it is about."""

    trouble: Trouble
    route: int
    first_s: float
    last_s: float
    calls: frozenset[int]


class SingleMonth(NamedTuple):
    """A tenant's calls and what is labelled among them."""

    seed: int
    tenant: SyntheticTenant
    calls: Calls
    incidents: tuple[SingleIncident, ...]


def single_month(seed: int, calls_an_hour: float = 25.0) -> SingleMonth:
    """The same for the same seed. `calls_an_hour` is of the route in the middle, over the whole week."""
    rng = np.random.default_rng([2026, seed, 2])
    made = tenant(rng, Size(routes=ROUTES, providers=3, agents=2, calls_an_hour=calls_an_hour))
    created, route = _created(rng, made)
    silences = _silences(rng, made)
    kept = ~_within(silences, created, route)
    calls = _lived(rng, created[kept], route[kept])
    calls, stuck = _stuck(rng, calls)
    calls, lost = _lost(rng, calls, made)
    calls, doubled = _doubled(rng, calls, {call for each in (*stuck, *lost) for call in each.calls})
    return SingleMonth(seed, made, calls, (*silences, *stuck, *lost, *doubled))


def _created(rng: np.random.Generator, made: SyntheticTenant) -> tuple[Floats, Ints]:
    """When calls begin, by a stream that is wider than Poisson, with the shape of days and weeks."""
    hours = (HISTORY_DAYS + DAYS) * HOURS_A_DAY
    shape = made.week[np.arange(hours) % HOURS_A_WEEK][:, None] * made.volume
    counts = rng.poisson(shape * rng.gamma(25.0, 1 / 25.0, shape.shape))
    hour, route = np.nonzero(counts)
    times = counts[hour, route]
    created = (np.repeat(hour, times) + rng.random(times.sum())) * _HOUR_S
    order = np.argsort(created)
    return created[order], np.repeat(route, times)[order]


def _lived(rng: np.random.Generator, created: Floats, route: Ints) -> Calls:
    """How long calls ring and last, and when that is told."""
    number = len(created)
    rings = np.minimum(rng.lognormal(np.log(11), 0.5, number), 90.0)
    is_answered = rng.random(number) < 0.72  # noqa: PLR2004 - a usual answer rate
    talks = np.minimum(rng.lognormal(np.log(110) + 0.15 * route, 0.9, number), 3 * _HOUR_S)
    answered = np.where(is_answered, created + rings, NEVER_S)
    ended = np.where(is_answered, created + rings + talks, created + rings)
    late = [_lateness(rng, number) for _ in range(2)]
    reported_ended = ended + late[1]
    reported_answered = np.minimum(answered + late[0], np.where(is_answered, reported_ended, NEVER_S))
    numbers = np.arange(number)
    return Calls(route, created, answered, ended, reported_answered, reported_ended, numbers, numbers)


def _lateness(rng: np.random.Generator, number: int) -> Floats:
    late = rng.exponential(1.5, number)
    return np.where(rng.random(number) < _LATE_SHARE, late + rng.exponential(_LATE_S, number), late)


def _scored(rng: np.random.Generator, number: int, margin_s: float) -> Floats:
    """Instants in the scored days, so long before their end."""
    lo, hi = HISTORY_DAYS * HOURS_A_DAY * _HOUR_S, (HISTORY_DAYS + DAYS) * HOURS_A_DAY * _HOUR_S - margin_s
    return rng.uniform(lo, hi, number)


def _silences(rng: np.random.Generator, made: SyntheticTenant) -> list[SingleIncident]:
    """Hours without a call, where a route should have sixty or more; no two of one route."""
    found: list[SingleIncident] = []
    for first in _scored(rng, 200, 8.0 * _HOUR_S):
        length = float(rng.uniform(3, 7)) * _HOUR_S
        position = int(rng.integers(made.size.routes))
        hour = (first + np.arange(0, length, 600)) // _HOUR_S
        expected = (made.week[hour.astype(np.int64) % HOURS_A_WEEK] * made.volume[position]).sum() / 6
        if expected >= 60 and position not in {each.route for each in found}:  # noqa: PLR2004 - see above
            found.append(
                SingleIncident(Trouble.SILENCE, position, float(first), float(first) + length, frozenset())
            )
        if len(found) == _SILENCES:
            break
    return found


def _within(incidents: list[SingleIncident], created: Floats, route: Ints) -> Flags:
    inside = np.zeros(len(created), dtype=np.bool_)
    for each in incidents:
        inside |= (route == each.route) & (created >= each.first_s) & (created < each.last_s)
    return inside


def _stuck(rng: np.random.Generator, calls: Calls) -> tuple[Calls, list[SingleIncident]]:
    """Calls whose end is never told; every other of them was never heard of after its creation."""
    reported_answered, reported_ended = calls.reported_answered.copy(), calls.reported_ended.copy()
    found = []
    for at, first in enumerate(_scored(rng, _STUCK, 12.0 * _HOUR_S)):
        call = int(np.searchsorted(calls.created, first))
        while at % 2 and calls.answered[call] == NEVER_S:
            call += 1
        reported_ended[call] = NEVER_S
        if at % 2 == 0:
            reported_answered[call] = NEVER_S
        since = float(calls.answered[call] if at % 2 else calls.created[call])
        found.append(
            SingleIncident(Trouble.STUCK_CALL, int(calls.route[call]), since, NEVER_S, frozenset({call}))
        )
    return calls._replace(reported_answered=reported_answered, reported_ended=reported_ended), found


def _lost(
    rng: np.random.Generator, calls: Calls, made: SyntheticTenant
) -> tuple[Calls, list[SingleIncident]]:
    """Half an hour to an hour in which no callback of a provider comes, where it has calls enough."""
    reported_answered, reported_ended = calls.reported_answered.copy(), calls.reported_ended.copy()
    for first in _scored(rng, 100, 12.0 * _HOUR_S):
        last = float(first + rng.uniform(0.5, 1.0) * _HOUR_S)
        of_provider = made.provider_of[calls.route] == int(rng.integers(made.size.providers))
        lost = of_provider & (reported_ended >= first) & (reported_ended < last)
        if lost.sum() >= 10:  # noqa: PLR2004 - so many calls are an outage
            unanswered = of_provider & (reported_answered >= first) & (reported_answered < last)
            reported_answered[unanswered], reported_ended[lost] = NEVER_S, NEVER_S
            positions = np.flatnonzero(lost | unanswered)
            about = frozenset(positions.tolist())
            route = int(calls.route[positions[0]])
            incident = SingleIncident(Trouble.LOST_CALLBACKS, route, float(first), last, about)
            return calls._replace(reported_answered=reported_answered, reported_ended=reported_ended), [
                incident
            ]
    return calls, []


def _doubled(rng: np.random.Generator, calls: Calls, taken: set[int]) -> tuple[Calls, list[SingleIncident]]:
    """Calls that are told under the SID of an earlier one."""
    sid, found = calls.sid.copy(), []
    for first in _scored(rng, _DUPLICATES, 12.0 * _HOUR_S):
        later = int(np.searchsorted(calls.created, first))
        earlier = later - int(rng.integers(1, 200))
        if {later, earlier} & taken:
            continue
        sid[later] = sid[earlier]
        route, since = int(calls.route[later]), float(calls.created[later])
        found.append(
            SingleIncident(Trouble.DUPLICATE_SID, route, since, NEVER_S, frozenset({earlier, later}))
        )
    return calls._replace(sid=sid), found
