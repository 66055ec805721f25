"""Made-up months with labelled incidents in them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.detection.incidents import Incident, Trouble, draw
from bench.detection.month.hours import LEAST_RATE, MOST_RATE, expected
from bench.detection.month.steps import (
    BLOCK_STEPS,
    Month,
    SimulatedCalls,
    beta,
    ended,
    generator,
    simulate_calls,
)
from bench.detection.month.tenant import KINDS, Floats, Size, SyntheticTenant, tenant
from calltally.alerts.model.series import Metric


@dataclass(frozen=True, eq=False)
class LabelledMonth(Month):
    """A month, and what goes wrong in it."""

    incidents: tuple[Incident, ...]


def labelled_month(seed: int, size: Size) -> LabelledMonth:
    """Return a month with incidents: the same for the same seed and size, on any machine."""
    rng = generator(seed)
    made = tenant(rng, size)
    hours = expected(rng, made)
    incidents = draw(rng, made, hours)
    rates = simulate_calls(rng, made, hours)
    for incident in incidents:
        _put_in(rng, made, rates, incident)
    return LabelledMonth(seed, made, hours, ended(rng, made, rates), incidents)


def _put_in(
    rng: np.random.Generator, made: SyntheticTenant, rates: SimulatedCalls, incident: Incident
) -> None:
    """Put an incident into the rates of its routes, in place."""
    for route, change in zip(incident.routes, incident.change, strict=True):
        firmness = made.firmness[route : route + 1]
        of_route = _OfRoute(
            rates.usual[:, :, route], rates.rates[:, :, route], rates.shares[:, route], firmness
        )
        _disturb(rng, of_route, incident, change)


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
    disturbed = np.repeat(beta(rng, mean[:, None], firmness)[:, 0], BLOCK_STEPS)
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
    """Return the kind of end that moves, its rate, and the share of provider failures, (blocks,) each."""
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
