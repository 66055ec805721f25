"""10,000 routes judged once: five minutes through the detectors alone, and a whole turn through the store.

What detectors remember is filled with noise first, since what was never learned packs to nothing.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from bench.lab import Lab
from bench.table import Row, within
from bench.timing import MS_PER_S, wall_us
from calltally.alerts.detection.detector_state import pack_arrays, unpack_arrays
from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.detection.rate_detector import RateDetector
from calltally.alerts.evaluation.evaluator import SETTLED_S, AlertEvaluator, Conditions
from calltally.alerts.evaluation.series_rollup import Rows, SeriesRollup
from calltally.alerts.model.rules import Rules
from calltally.calls.alert_counts import COLUMNS, STEP_S, AlertCount, AlertStepKey
from calltally.calls.times import SECOND_US
from calltally.store.alerts.detector_state import read_evaluation, save_evaluation
from calltally.store.backends.open import migrate, open_store
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation
from calltally.store.rollups.alert_steps import StepDeltas
from calltally.store.tenants.tenants import add_tenant, new_epoch

_ROUTES: Final = 10_000
_PROVIDERS: Final = 3
_AGENTS: Final = 20
_CALLS_A_STEP: Final = 4.0
_FAILS: Final = 0.06
# Two hours, of which each step is looked at for what came late; in it an hour turns, which is dearest.
_STEPS: Final = 26
_FIRST_S: Final = 1_780_272_000
_MOST_S: Final = 2.0
_TENANT: Final = "acme"


async def judged(lab: Lab) -> list[Row]:
    """The dearest step of an hour by the detectors alone, and one turn of the worker."""
    random = np.random.default_rng(5)
    steps = [(_FIRST_S + at * STEP_S, _rows(random)) for at in range(_STEPS)]
    alone_s = max(_fed(steps))
    evaluation_s = await _evaluate_once(lab, random, steps)
    return [
        _row(f"{_ROUTES:,} routes judged by the detectors, the dearest step of an hour", alone_s),
        _row("the same by the worker: read, judged, kept", evaluation_s),
    ]


def _row(what: str, seconds: float) -> Row:
    ours = f"{seconds * MS_PER_S:,.0f} ms of a core"
    return within(what, ours, target=f"at most {_MOST_S:g} s", met=seconds <= _MOST_S)


def _rows(random: np.random.Generator) -> Rows:
    calls = random.poisson(_CALLS_A_STEP, _ROUTES)
    failed = random.binomial(calls, _FAILS)
    columns = [COLUMNS.index(name) for name in ("started", "final", "failed", "answered", "completed")]
    cells = np.zeros((_ROUTES, len(COLUMNS)), dtype=np.int64)
    cells[:, columns] = np.stack([calls, calls, failed, calls - failed, calls - failed], axis=1)
    keys = (
        AlertStepKey(0, f"route-{at}", f"provider-{at % _PROVIDERS}", "", f"agent-{at % _AGENTS}")
        for at in range(_ROUTES)
    )
    return {key: tuple(row) for key, row in zip(keys, cells.tolist(), strict=True)}


def _fed(steps: list[tuple[int, Rows]]) -> Iterator[float]:
    """How many seconds of a core each step takes."""
    detector, roll = RateDetector.new(Rules()), SeriesRollup()
    # The first makes room for all.
    detector.feed(roll.step(*steps[0]))
    for step_s, rows in steps[1:]:
        step = roll.step(step_s, rows)
        started_s = time.process_time()
        detector.feed(step)
        yield time.process_time() - started_s


async def _evaluate_once(lab: Lab, random: np.random.Generator, steps: list[tuple[int, Rows]]) -> float:
    """The turn that judges the last step, after one that judged the others."""
    folder = lab.new_folder()
    folder.mkdir()
    url = f"sqlite:///{folder / 'calltally.db'}"
    await asyncio.to_thread(migrate, url)
    store = open_store(url, wall_us)
    try:
        await store.write(add_tenant(_TENANT, _TENANT, wall_us(), new_epoch()))
        for step_s, rows in steps:
            await store.write(_added(step_s, rows))
        judge = AlertEvaluator(store, RateDetectorFactory())
        last_s = steps[-1][0]
        await _judge(judge, last_s)
        await _fill(store, random)
        started_s = time.process_time()
        await _judge(judge, last_s + STEP_S)
        return time.process_time() - started_s
    finally:
        await store.close()


async def _nothing() -> Conditions:
    return Conditions((), ())


async def _judge(judge: AlertEvaluator, to_s: int) -> None:
    evaluation = await judge.evaluate(_TENANT, (to_s + SETTLED_S) * SECOND_US, _nothing)
    assert evaluation.is_committed
    assert evaluation.steps


def _added(step_s: int, rows: Rows) -> StoreOperation[None]:
    deltas = StepDeltas()
    deltas.move(_TENANT, (), [AlertCount(key._replace(step_s=step_s), cells) for key, cells in rows.items()])
    yield from deltas.statements()


async def _fill(store: Store, random: np.random.Generator) -> None:
    """Put noise into all numbers that detectors remember."""
    held = await store.read(read_evaluation(_TENANT))
    assert held.state is not None
    detector, *rest = msgspec.msgpack.decode(held.state)
    arrays: dict[str, Any] = unpack_arrays(detector)
    for values in arrays.values():
        if values.dtype == np.float64:
            np.add(values, np.abs(random.normal(0, 1e-3, values.shape)), out=values)
    state = msgspec.msgpack.encode([pack_arrays(arrays), *rest])
    assert await store.write(save_evaluation(_TENANT, held, held.judged_us, state))
