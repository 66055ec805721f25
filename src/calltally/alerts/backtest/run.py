"""Run of a back-test over a tenant's stored calls."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from calltally.alerts.backtest.replay import (
    LEARNING_S,
    Backtest,
    BacktestReplay,
    HourlyCounts,
    steps_in_order,
)
from calltally.alerts.detection.factory import DetectorFactory
from calltally.alerts.evaluation.evaluator import rows_by_step
from calltally.alerts.model.rules import Rules
from calltally.calls.alert_counts import STEP_S
from calltally.calls.times import SECOND_US
from calltally.store.db.interface import Store
from calltally.store.rollups.alert_steps import WINDOW_S, Steps, count_steps, first_call_s, steps_between


class BacktestRequest(NamedTuple):
    """Request of a back-test: tenant, window, and rule sets by name.

    `reads_steps`: it reads the stored steps instead of the calls. They are few, and go back some weeks only.
    """

    tenant: str
    from_us: int
    to_us: int
    rules: Mapping[str, Rules]
    reads_steps: bool = False

    @property
    def window_s(self) -> tuple[int, int]:
        """Return the first step of the window and the end of its last step, in seconds."""
        from_s, to_s = (us // SECOND_US // STEP_S * STEP_S for us in (self.from_us, self.to_us))
        return from_s, to_s


async def run_backtests(
    store: Store, request: BacktestRequest, detectors: DetectorFactory, hours: HourlyCounts | None = None
) -> list[Backtest]:
    """Run the rule sets one day at a time, for any past window.

    The steps start at the first call, as in the worker: there is nothing to learn from before it. `hours`
    is filled with the same steps.
    """
    from_s, to_s = request.window_s
    replays = [BacktestReplay(name, rules, detectors, from_s, to_s) for name, rules in request.rules.items()]
    first_s = await store.read(first_call_s(request.tenant))
    start_s = to_s if first_s is None else max(first_s, from_s - LEARNING_S)
    for lo_s in range(start_s, to_s, WINDOW_S):
        hi_s = min(lo_s + WINDOW_S, to_s)
        rows = rows_by_step(await _steps(store, request, lo_s, hi_s))
        if hours is not None:
            hours.add(rows.items())
        for replay in replays:
            await asyncio.to_thread(replay.feed, list(steps_in_order(rows, lo_s, hi_s)))
    return [replay.result() for replay in replays]


async def _steps(store: Store, request: BacktestRequest, lo_s: int, hi_s: int) -> Steps:
    if request.reads_steps:
        return await store.read(steps_between(request.tenant, lo_s, hi_s), long=True)
    steps, _count = await store.read(count_steps(request.tenant, lo_s, hi_s), long=True)
    return steps
