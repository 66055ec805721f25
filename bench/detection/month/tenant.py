"""A made-up tenant: its routes with their volumes, rates and noise, and the shape of its days and weeks."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOURS_A_DAY: Final = 24
HOURS_A_WEEK: Final = 168
_WORKDAYS: Final = 5

# How calls end, one question after the other: of all calls those that failed, of the others those that nobody
# answered, of the rest those that were busy or canceled; of the answered ones those that were handed on.
KINDS: Final = ("failed", "no_answer", "busy", "transferred")
_MIDDLES: Final = (0.06, 0.18, 0.06, 0.15)
_WIDTHS: Final = (0.5, 0.4, 0.3, 0.4)
_WAVES: Final = (0.2, 0.35, 0.15, 0.2)
# The mean over an hour of the squared share that each block of noise has of it (see steps.BLOCK_STEPS).
BLOCK_SHARE: Final = 0.53


class Size(NamedTuple):
    """How large a tenant is. `calls_an_hour` is of the route in the middle, over the whole week."""

    routes: int = 100
    providers: int = 3
    agents: int = 8
    calls_an_hour: float = 60.0
    history_days: int = 28
    days: int = 30


class SyntheticTenant(NamedTuple):
    """One tenant. Arrays of routes have shape (routes,), of rates (kinds, routes); levels are logits.

    `firmness` is the sum of the two parameters of the beta distribution that a rate is drawn from, anew for
    each 40 minutes: the lower, the more over-dispersed. Calls come in clusters that end alike (tries again,
    one list of dead numbers), of `cluster` calls on average. `profile` is what the hour of the week adds,
    (hours, kinds, 1), `own` what it adds on a route alone, (hours, kinds, routes). `fault_share` is the
    share of failures that lie with the provider.
    """

    size: Size
    volume: Floats
    week: Floats
    level: Floats
    profile: Floats
    own: Floats
    firmness: Floats
    cluster: Floats
    fault_share: Floats
    provider_of: Ints
    agent_of: Ints
    growth_a_week: float


def tenant(rng: np.random.Generator, size: Size) -> SyntheticTenant:
    """Draw a tenant."""
    routes = size.routes
    middles, widths = np.array(_MIDDLES)[:, None], np.array(_WIDTHS)[:, None]
    volume = np.clip(size.calls_an_hour * np.exp(rng.normal(0, 0.7, routes)), 4, 300)
    # Real routes are two to five times wider than binomial in a busy hour.
    spread = rng.uniform(2.0, 5.0, routes)
    lasting = rng.uniform(0.2, 0.8, routes)
    firmness = np.maximum((BLOCK_SHARE * 1.4 * volume - 1) / ((spread - 1) * lasting) - 1, 12.0)
    return SyntheticTenant(
        size=size,
        volume=volume,
        week=_week(rng),
        level=np.log(middles / (1 - middles)) + widths * rng.normal(0, 1, (len(KINDS), routes)),
        profile=_waves(rng, np.array(_WAVES)[:, None]),
        own=_waves(rng, rng.uniform(0.0, 0.12, (len(KINDS), routes))),
        firmness=firmness,
        cluster=1 + (spread - 1) * (1 - lasting),
        fault_share=rng.uniform(0.3, 0.7, routes),
        provider_of=np.arange(routes) * size.providers // routes,
        agent_of=rng.permutation(np.arange(routes) % size.agents),
        growth_a_week=float(rng.normal(0.01, 0.02)),
    )


def _week(rng: np.random.Generator) -> Floats:
    """How many times the mean each hour of the week has: two humps a day, quiet nights and week-ends."""
    hours = np.arange(HOURS_A_DAY)
    noon, late = rng.uniform(10, 12), rng.uniform(15, 18)
    day = 0.12 + np.exp(-(((hours - noon) / 2.6) ** 2)) + 0.8 * np.exp(-(((hours - late) / 2.8) ** 2))
    weekend = rng.uniform(0.35, 0.7)
    week = np.concatenate([day] * _WORKDAYS + [day * weekend, day * weekend * 0.8])
    return np.asarray(week / week.mean())


def _waves(rng: np.random.Generator, height: Floats) -> Floats:
    """Daily waves of some heights, and a step at the week-end: shape (hours of the week, *heights)."""
    hours = np.arange(HOURS_A_WEEK).reshape(-1, 1, 1)
    phase = rng.uniform(0, 2 * np.pi, height.shape)
    weekend = hours >= _WORKDAYS * HOURS_A_DAY
    daily = np.sin(2 * np.pi * hours / HOURS_A_DAY + phase)
    return np.asarray(height * daily + 0.8 * height * rng.normal(0, 1, height.shape) * weekend)
