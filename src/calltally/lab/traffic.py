"""Counts of made-up months: hours of the history, five-minute steps of the scored days."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from calltally.alerts.detection.signals import Floats, Ints
from calltally.alerts.model.series import COUNTS, STEPS_AN_HOUR, Count, Metric
from calltally.lab.hours import LEAST_RATE, MOST_RATE, Hours, expected
from calltally.lab.incidents import STEPS_A_DAY, Incident, Trouble, draw
from calltally.lab.tenant import KINDS, Size, Tenant, tenant

# The noise of a rate is drawn anew for so many steps: forty minutes, which no hour of the detectors lines up
# with.
BLOCK_STEPS: Final = 8
_ARRIVALS: Final = 25.0
Small = npt.NDArray[np.int16]


class Month(NamedTuple):
    """A tenant's history and month. `steps` is (steps, columns, routes), from the start of the history."""

    seed: int
    tenant: Tenant
    hours: Hours
    incidents: tuple[Incident, ...]
    steps: Small

    @property
    def first_step(self) -> int:
        """The first step of the scored days."""
        return self.tenant.size.history_days * STEPS_A_DAY


def month(seed: int, size: Size, *, usual: bool = False) -> Month:
    """The same for the same seed and size, on any machine; without an incident where it is `usual`."""
    rng = np.random.default_rng([2026, seed])
    made = tenant(rng, size)
    hours = expected(rng, made)
    incidents = () if usual else draw(rng, made, hours)
    return Month(seed, made, hours, incidents, _steps(rng, made, hours, incidents))


def _steps(rng: np.random.Generator, made: Tenant, hours: Hours, incidents: tuple[Incident, ...]) -> Small:
    steps = len(hours.calls) * STEPS_AN_HOUR
    mean = np.repeat(hours.calls, STEPS_AN_HOUR, axis=0) / STEPS_AN_HOUR
    calls = rng.poisson(mean * rng.gamma(_ARRIVALS, 1 / _ARRIVALS, (steps, 1)))
    usual = hours.rates[np.arange(0, steps, BLOCK_STEPS) // STEPS_AN_HOUR]
    rates = np.repeat(_beta(rng, usual, made.firmness), BLOCK_STEPS, axis=0)
    shares = np.broadcast_to(made.fault_share, (steps, made.size.routes)).copy()
    for incident in incidents:
        for route, change in zip(incident.routes, incident.change, strict=True):
            firmness = made.firmness[route : route + 1]
            of_route = _OfRoute(usual[:, :, route], rates[:, :, route], shares[:, route], firmness)
            _disturb(rng, of_route, incident, change)
    return _ended(rng, calls, rates, (shares, made.cluster))


class _OfRoute(NamedTuple):
    """One route: its usual rates by blocks, its rates and its share of provider failures by steps."""

    usual: Floats
    rates: Floats
    shares: Floats
    firmness: Floats


def _disturb(rng: np.random.Generator, of_route: _OfRoute, incident: Incident, change: float) -> None:
    """Put an incident into a route's rates and its share of provider failures, in place."""
    usual, rates, shares, firmness = of_route
    blocks = np.arange(len(usual)) * BLOCK_STEPS
    part = np.clip((blocks + BLOCK_STEPS / 2 - incident.first_step) / incident.steps, 0, 1)
    moved = change * part if incident.trouble is Trouble.DRIFT else np.full(len(usual), change)
    kind, mean, share = _moved_rate(usual, shares[0], incident.metric, moved)
    disturbed = np.repeat(_beta(rng, mean[:, None], firmness)[:, 0], BLOCK_STEPS)
    inside = np.clip(
        np.minimum(
            np.arange(len(rates)) + 1 - incident.first_step, incident.last_step - np.arange(len(rates))
        ),
        0,
        1,
    )
    rates[:, kind] += inside * (disturbed - rates[:, kind])
    shares += inside * (np.repeat(share, BLOCK_STEPS) - shares)


def _moved_rate(usual: Floats, share: float, metric: Metric, change: Floats) -> tuple[int, Floats, Floats]:
    """Which kind of end moves, its new rate, and the new share of provider failures, (blocks,) each."""
    failed, no_answer, busy, transferred = usual.T
    shares = np.full(len(usual), share)
    if metric is Metric.TRANSFER_RATE:
        return KINDS.index("transferred"), _shifted(transferred, change), shares
    if metric is Metric.FAILURE_RATE:
        return KINDS.index("failed"), _shifted(failed, change), shares
    if metric is Metric.PROVIDER_FAILURE_RATE:
        faults = _shifted(failed * share, change)
        more = np.clip(failed * (1 - share) + faults, LEAST_RATE, MOST_RATE)
        return KINDS.index("failed"), more, np.clip(faults / more, 0, 1)
    if metric is Metric.NO_ANSWER_RATE:
        return (
            KINDS.index("no_answer"),
            _kept(_shifted((1 - failed) * no_answer, change) / (1 - failed)),
            shares,
        )
    reached = (1 - failed) * (1 - no_answer)
    return KINDS.index("busy"), _kept(1 - _shifted(reached * (1 - busy), change) / reached), shares


def _shifted(rate: Floats, change: Floats) -> Floats:
    odds = rate / (1 - rate) * np.exp(change)
    return np.asarray(odds / (1 + odds))


def _kept(rate: Floats) -> Floats:
    return np.asarray(np.clip(rate, LEAST_RATE, MOST_RATE))


def _beta(rng: np.random.Generator, mean: Floats, firmness: Floats) -> Floats:
    return rng.beta(mean * firmness, (1 - mean) * firmness)


def _ended(rng: np.random.Generator, calls: Ints, rates: Floats, of_route: tuple[Floats, Floats]) -> Small:
    """How so many calls end, by the columns of a step."""
    shares, cluster = of_route
    # Of a size between two whole numbers, clusters have now the one and now the other.
    size = (cluster + rng.random(calls.shape)).astype(np.int64)
    failed = _clustered(rng, calls, rates[:, 0], size)
    no_answer = _clustered(rng, calls - failed, rates[:, 1], size)
    busy = _clustered(rng, calls - failed - no_answer, rates[:, 2], size)
    answered = calls - failed - no_answer - busy
    columns = {
        Count.STARTED: calls,
        Count.FINAL: calls,
        Count.ANSWERED: answered,
        Count.COMPLETED: answered,
        Count.NO_ANSWER: no_answer,
        Count.FAILED: failed,
        Count.PROVIDER_FAILED: rng.binomial(failed, shares),
        Count.BUSY: busy - busy // 2,
        Count.CANCELED: busy // 2,
        Count.TRANSFERRED: _clustered(rng, answered, rates[:, 3], size),
    }
    ended = np.empty((len(calls), len(COUNTS), calls.shape[1]), dtype=np.int16)
    for place, count in enumerate(COUNTS):
        ended[:, place] = columns[count]
    return ended


def _clustered(rng: np.random.Generator, calls: Ints, rate: Floats, size: Ints) -> Ints:
    """How many of the calls come to an end that whole clusters of them share."""
    clusters, rest = np.divmod(calls, size)
    return np.asarray(rng.binomial(clusters, rate) * size + (rng.random(calls.shape) < rate) * rest)


def series_counts(made: Tenant, routes: Small) -> Ints:
    """Counts of all series from those of routes, (..., columns, series): tenant, providers, agents, routes.

    As exact as their sums: 32 bits of a float hold counts up to 16 million.
    """
    size = made.size
    groups = [np.zeros(size.routes, dtype=np.int64), 1 + made.provider_of, 1 + size.providers + made.agent_of]
    member = np.zeros((size.routes, 1 + size.providers + size.agents), dtype=np.float32)
    for group in groups:
        member[np.arange(size.routes), group] = 1
    coarse = (routes.reshape(-1, size.routes).astype(np.float32) @ member).astype(np.int32)
    coarse = coarse.reshape(*routes.shape[:-1], member.shape[1])
    return np.concatenate([coarse, routes.astype(np.int32)], axis=-1)
