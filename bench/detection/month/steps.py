"""Counts of a made-up month: five-minute steps of each route, from the start of the history. Pure."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.detection.month.hours import Hours, expected
from bench.detection.month.tenant import HOURS_A_DAY, Floats, Ints, Size, SyntheticTenant, tenant
from calltally.calls.alert_counts import COLUMNS, STEP_S
from calltally.calls.times import DAY_US

# A Monday, midnight UTC: the start of all made-up months.
START_US: Final = 20_605 * DAY_US
STEPS_AN_HOUR: Final = 3600 // STEP_S
STEPS_A_DAY: Final = HOURS_A_DAY * STEPS_AN_HOUR
# The noise of a rate is drawn anew for so many steps: forty minutes, so that it does not line up with an hour
# of the detectors.
BLOCK_STEPS: Final = 8
_ARRIVALS: Final = 25.0
Small = npt.NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Month:
    """A tenant's history and month. `steps` is (steps, columns, routes), from the start of the history."""

    seed: int
    tenant: SyntheticTenant
    hours: Hours
    steps: Small

    @property
    def first_step(self) -> int:
        """The first step of the days after the history."""
        return self.tenant.size.history_days * STEPS_A_DAY


class SimulatedCalls(NamedTuple):
    """Calls of each step, (steps, routes), and the rates at which they end, (steps, kinds, routes).

    `usual` has the expected rates by blocks of `BLOCK_STEPS`, (blocks, kinds, routes). `shares` is the share
    of failures that lie with the provider, (steps, routes).
    """

    calls: Ints
    usual: Floats
    rates: Floats
    shares: Floats


def month(seed: int, size: Size) -> Month:
    """Return a month of usual traffic: the same for the same seed and size, on any machine."""
    rng = generator(seed)
    made = tenant(rng, size)
    hours = expected(rng, made)
    return Month(seed, made, hours, ended(rng, made, simulate_calls(rng, made, hours)))


def generator(seed: int) -> np.random.Generator:
    """Return the random generator of a month."""
    return np.random.default_rng([2026, seed])


def simulate_calls(rng: np.random.Generator, made: SyntheticTenant, hours: Hours) -> SimulatedCalls:
    """Draw the calls and the rates of all steps."""
    steps = len(hours.calls) * STEPS_AN_HOUR
    mean = np.repeat(hours.calls, STEPS_AN_HOUR, axis=0) / STEPS_AN_HOUR
    calls = rng.poisson(mean * rng.gamma(_ARRIVALS, 1 / _ARRIVALS, (steps, 1)))
    usual = hours.rates[np.arange(0, steps, BLOCK_STEPS) // STEPS_AN_HOUR]
    rates = np.repeat(beta(rng, usual, made.firmness), BLOCK_STEPS, axis=0)
    shares = np.broadcast_to(made.fault_share, (steps, made.size.routes)).copy()
    return SimulatedCalls(calls, usual, rates, shares)


def beta(rng: np.random.Generator, mean: Floats, firmness: Floats) -> Floats:
    """Draw rates around their means."""
    return rng.beta(mean * firmness, (1 - mean) * firmness)


def ended(rng: np.random.Generator, made: SyntheticTenant, simulated: SimulatedCalls) -> Small:
    """Draw how all calls end; returns the counts by the columns of a step."""
    calls, rates = simulated.calls, simulated.rates
    # Of a size between two whole numbers, clusters have now the one and now the other.
    size = (made.cluster + rng.random(calls.shape)).astype(np.int64)
    failed = _clustered(rng, calls, rates[:, 0], size)
    no_answer = _clustered(rng, calls - failed, rates[:, 1], size)
    busy = _clustered(rng, calls - failed - no_answer, rates[:, 2], size)
    answered = calls - failed - no_answer - busy
    columns = {
        "started": calls,
        "final": calls,
        "answered": answered,
        "completed": answered,
        "no_answer": no_answer,
        "failed": failed,
        "provider_failed": rng.binomial(failed, simulated.shares),
        "busy": busy - busy // 2,
        "canceled": busy // 2,
        "transferred": _clustered(rng, answered, rates[:, 3], size),
        "transfer_known": answered,
    }
    counts = np.empty((len(calls), len(COLUMNS), calls.shape[1]), dtype=np.int16)
    for number, name in enumerate(COLUMNS):
        counts[:, number] = columns[name]
    return counts


def _clustered(rng: np.random.Generator, calls: Ints, rate: Floats, size: Ints) -> Ints:
    """Count the calls that come to an end which whole clusters of them share."""
    clusters, rest = np.divmod(calls, size)
    return np.asarray(rng.binomial(clusters, rate) * size + (rng.random(calls.shape) < rate) * rest)
