"""Labelled incidents: what goes wrong, where, from when to when, and how far it moves a rate.

A size is in spreads: the standard deviation of an hour's rate on the logit, by the true rate, the
true over-dispersion and the expected calls of each hour, in the mean over the incident's own hours (of a
drift, over its whole week).
"""

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from bench.detection.month.hours import LEAST_RATE, MOST_RATE, Hours
from bench.detection.month.steps import STEPS_A_DAY
from bench.detection.month.tenant import BLOCK_SHARE, Floats, Ints, SyntheticTenant
from calltally.alerts.model.finding import ChangeDirection
from calltally.alerts.model.series import STEPS_AN_HOUR, Metric

LEAST_CALLS_AN_HOUR: Final = 50.0
_ATTEMPTS: Final = 80


class Trouble(StrEnum):
    """Kinds of incidents: of a rate, of single calls (`single_calls`), or of their arrival."""

    SHIFT = "shift"
    COLLAPSE = "collapse"
    # Of those the ones that begin while their provider is down: drawn as all are, and told apart in a score.
    COLLAPSE_IN_OUTAGE = "collapse-in-outage"
    DRIFT = "drift"
    FEWER_TRANSFERS = "fewer-transfers"
    PROVIDER_DOWN = "provider-down"
    STUCK_CALL = "stuck-call"
    LOST_CALLBACKS = "lost-callbacks"
    DUPLICATE_SID = "duplicate-sid"
    SILENCE = "silence"


SPREADS: Final = {
    Trouble.SHIFT: 3.0,
    Trouble.COLLAPSE: 10.0,
    Trouble.DRIFT: 3.0,
    Trouble.FEWER_TRANSFERS: 3.0,
    Trouble.PROVIDER_DOWN: 10.0,
}
_A_MONTH: Final = {Trouble.SHIFT: 5, Trouble.COLLAPSE: 4, Trouble.DRIFT: 4, Trouble.FEWER_TRANSFERS: 1}
_CHANGES: Final = (
    (Metric.FAILURE_RATE, ChangeDirection.UP),
    (Metric.NO_ANSWER_RATE, ChangeDirection.UP),
    (Metric.ANSWER_RATE, ChangeDirection.DOWN),
    (Metric.PROVIDER_FAILURE_RATE, ChangeDirection.UP),
    (Metric.TRANSFER_RATE, ChangeDirection.UP),
)
# A rate that is low has few events to miss: 12 % that falls to none says no more than 0.13 a call.
_FALLS: Final = ((Metric.TRANSFER_RATE, ChangeDirection.DOWN),)


class Incident(NamedTuple):
    """One incident. `first_step` counts from the start of the history, and may have a fraction.

    `routes` are the routes that it moves, `change` by how much the metric of each moves on the logit (of
    a drift: at its end), `spread` how over-dispersed they are then. `provider` is the number of the one that
    is down.
    """

    trouble: Trouble
    metric: Metric
    direction: ChangeDirection
    first_step: float
    steps: int
    routes: tuple[int, ...]
    change: tuple[float, ...]
    spread: float
    provider: int = -1

    @property
    def last_step(self) -> float:
        """The first instant at which it is over."""
        return self.first_step + self.steps


def draw(rng: np.random.Generator, tenant: SyntheticTenant, hours: Hours) -> tuple[Incident, ...]:
    """A month's incidents, no two on one route but for that of a whole provider.

    Where no hour is busy enough, there are fewer.
    """
    taken = {campaign.route for campaign in hours.campaigns}
    found = [_provider_down(rng, tenant, hours)]
    for trouble, wanted in _A_MONTH.items():
        found += [_on_a_route(rng, tenant, hours, trouble, taken) for _ in range(wanted)]
    return tuple(each for each in found if each is not None)


def _on_a_route(
    rng: np.random.Generator, tenant: SyntheticTenant, hours: Hours, trouble: Trouble, taken: set[int]
) -> Incident | None:
    kinds = _FALLS if trouble is Trouble.FEWER_TRANSFERS else _CHANGES
    metric, direction = kinds[int(rng.integers(len(kinds)))]
    steps = 7 * STEPS_A_DAY if trouble is Trouble.DRIFT else int(rng.integers(6, 13)) * STEPS_AN_HOUR
    for _attempt in range(_ATTEMPTS):
        first = _first_step(rng, tenant, steps)
        route = int(rng.integers(tenant.size.routes))
        span = _span(first, steps)
        calls, _rate, _wide = look_at(tenant, hours, metric, span, route)
        enough = calls.mean() if trouble is Trouble.DRIFT else calls.min()
        if route not in taken and enough >= LEAST_CALLS_AN_HOUR:
            moved, wide, fits = _change(tenant, hours, (metric, direction, trouble), span, route)
            if not fits:
                continue
            taken.add(route)
            return Incident(trouble, metric, direction, first, steps, (route,), (moved,), wide)
    return None


def _provider_down(rng: np.random.Generator, tenant: SyntheticTenant, hours: Hours) -> Incident | None:
    """All routes of a provider fail at once, each by as many spreads of its own."""
    provider = int(rng.integers(tenant.size.providers))
    routes = tuple(int(route) for route in np.flatnonzero(tenant.provider_of == provider))
    kind = (Metric.FAILURE_RATE, ChangeDirection.UP, Trouble.PROVIDER_DOWN)
    steps = int(rng.integers(6, 13)) * STEPS_AN_HOUR
    for _attempt in range(_ATTEMPTS):
        first = _first_step(rng, tenant, steps)
        span = _span(first, steps)
        calls = look_at(tenant, hours, kind[0], span, routes[0])[0]
        if calls.min() >= LEAST_CALLS_AN_HOUR:
            made = [_change(tenant, hours, kind, span, route) for route in routes]
            moved = tuple(change for change, _wide, _fits in made)
            return Incident(kind[2], kind[0], kind[1], first, steps, routes, moved, made[0][1], provider)
    return None


def _first_step(rng: np.random.Generator, tenant: SyntheticTenant, steps: int) -> float:
    history = tenant.size.history_days * STEPS_A_DAY
    return history + float(rng.uniform(0, tenant.size.days * STEPS_A_DAY - steps))


def _span(first: float, steps: int) -> slice:
    return slice(int(first) // STEPS_AN_HOUR, -(-int(first + steps) // STEPS_AN_HOUR))


def look_at(
    tenant: SyntheticTenant, hours: Hours, metric: Metric, span: slice, route: int
) -> tuple[Floats, Floats, Floats]:
    """Of each hour: the metric's denominator, its rate, and the variance of an hour's rate on the logit."""
    calls = hours.calls[span, route]
    failed, no_answer, busy, transferred = hours.rates[span, :, route].T
    wide = _spread(tenant, calls, np.array(route))
    answered = (1 - failed) * (1 - no_answer) * (1 - busy)
    if metric is Metric.TRANSFER_RATE:
        calls = calls * answered
        wide = _spread(tenant, calls, np.array(route))
        return calls, transferred, wide / (calls * transferred * (1 - transferred))
    if metric is Metric.FAILURE_RATE:
        return calls, failed, wide / (calls * failed * (1 - failed))
    if metric is Metric.PROVIDER_FAILURE_RATE:
        share = tenant.fault_share[route]
        rate = failed * share
        return calls, rate, (1 + (wide - 1) * share) / (calls * rate * (1 - rate))
    # The rest are products of shares: their logarithms add up.
    lost_failed = wide * failed / (1 - failed) / calls
    reached = calls * (1 - failed)
    if metric is Metric.NO_ANSWER_RATE:
        rate = (1 - failed) * no_answer
        variance = lost_failed + wide * (1 - no_answer) / no_answer / reached
    else:
        rate = answered
        left = reached * (1 - no_answer)
        variance = (
            lost_failed + wide * no_answer / (1 - no_answer) / reached + wide * busy / (1 - busy) / left
        )
    return calls, rate, variance / (1 - rate) ** 2


def _change(
    tenant: SyntheticTenant,
    hours: Hours,
    kind: tuple[Metric, ChangeDirection, Trouble],
    span: slice,
    route: int,
) -> tuple[float, float, bool]:
    """How far the metric moves on the logit, how over-dispersed it is then, and whether it has room."""
    metric, direction, trouble = kind
    calls, rate, variance = look_at(tenant, hours, metric, span, route)
    size = SPREADS[trouble] * float(np.sqrt(variance).mean())
    middle = float(rate.mean())
    logit = np.log(middle / (1 - middle))
    up = direction is ChangeDirection.UP
    room = (
        np.log(MOST_RATE / (1 - MOST_RATE)) - logit if up else logit - np.log(LEAST_RATE / (1 - LEAST_RATE))
    )
    wide = float((variance * calls * rate * (1 - rate)).mean())
    return (1 if up else -1) * float(min(size, room)), wide, size <= room


def _spread(tenant: SyntheticTenant, calls: Floats, routes: Ints | slice = slice(None)) -> Floats:
    """Return how many times wider than binomial the counts of an hour of so many calls are."""
    lasting = np.maximum(BLOCK_SHARE * calls - 1, 0) / (tenant.firmness[routes] + 1)
    return np.asarray(tenant.cluster[routes] + lasting)
