"""A back-test on the calls of the store, for one or more sets of rules side by side, and its print."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import typer

from calltally.alerts.backtest.hourly_counts import HourlyCounts
from calltally.alerts.backtest.replay import LEARNING_S, Backtest, BacktestReplay, Episode, steps_in_order
from calltally.alerts.evaluation.evaluator import DetectorFactory, rows_by_step
from calltally.alerts.model.rules import Rules
from calltally.calls.alert_counts import STEP_S
from calltally.calls.times import SECOND_US, parse_instant, utc_text
from calltally.store.db.interface import Store
from calltally.store.rollups.alert_steps import WINDOW_S, count_steps, first_call_s

_PLOT_CHARS: Final = 60
_PLOTTED: Final = 20
_CAUSE_CHARS: Final = 44


class Asked(NamedTuple):
    """On whose past, in which window, by which rules under which names."""

    tenant: str
    from_us: int
    to_us: int
    rules: Mapping[str, Rules]

    @property
    def window_s(self) -> tuple[int, int]:
        """The steps of the window, seconds: from the first to behind the last."""
        from_s, to_s = (us // SECOND_US // STEP_S * STEP_S for us in (self.from_us, self.to_us))
        return from_s, to_s


async def backtest_of(
    store: Store, asked: Asked, detectors: DetectorFactory, hours: HourlyCounts | None = None
) -> list[Backtest]:
    """The steps are counted from the calls themselves, a day at a time: the past may be of any age.

    They begin with the first call, as a worker's do: what was before it can be learned from by nobody.
    `hours` are filled with the same steps.
    """
    from_s, to_s = asked.window_s
    replays = [BacktestReplay(name, rules, detectors, from_s, to_s) for name, rules in asked.rules.items()]
    first_s = await store.read(first_call_s(asked.tenant))
    begins_s = to_s if first_s is None else max(first_s, from_s - LEARNING_S)
    for lo_s in range(begins_s, to_s, WINDOW_S):
        hi_s = min(lo_s + WINDOW_S, to_s)
        steps, _looked_at = await store.read(count_steps(asked.tenant, lo_s, hi_s), long=True)
        rows = rows_by_step(steps)
        if hours is not None:
            hours.add(rows.items())
        for replay in replays:
            await asyncio.to_thread(replay.feed, list(steps_in_order(rows, lo_s, hi_s)))
    return [replay.result() for replay in replays]


def print_backtests(done: Sequence[Backtest], asked: Asked) -> None:
    """A plot of when, a list of what, and a line for each set of rules."""
    for each in done:
        typer.echo(
            f"{each.name}: {len(each.episodes)} alerts in {each.weeks:.1f} weeks, {each.a_week:.1f} a week"
        )
    for each in done:
        typer.echo(f"\n{each.name}")
        for line in plot(each.episodes, asked.from_us, asked.to_us):
            typer.echo(f"  {line}")
        for episode in each.episodes:
            ended = episode.ended[:16] if episode.ended else "lasts"
            typer.echo(f"  {episode.found[:16]}  to {ended}  {episode.message}")


def plot(episodes: Sequence[Episode], from_us: int, to_us: int) -> list[str]:
    """A line for each cause, with a mark wherever it was alarmed, from the window's begin to its end."""
    if not episodes:
        return []
    width_us = max(1, (to_us - from_us) // _PLOT_CHARS)
    lines: dict[str, list[str]] = {}
    for episode in episodes:
        cells = lines.setdefault(episode.cause, ["·"] * _PLOT_CHARS)
        ended_us = parse_instant(episode.ended) if episode.ended else to_us
        first, last = (_cell(us, from_us, width_us) for us in (parse_instant(episode.found), ended_us))
        cells[first : last + 1] = "█" * (last - first + 1)
    shown = [f"{cause[:_CAUSE_CHARS]:<{_CAUSE_CHARS}} {''.join(cells)}" for cause, cells in lines.items()]
    scale = f"{'':<{_CAUSE_CHARS}} {utc_text(from_us)[:10]:<{_PLOT_CHARS - 10}}{utc_text(to_us)[:10]}"
    left = [f"and {len(shown) - _PLOTTED} causes more"] if len(shown) > _PLOTTED else []
    return [scale, *shown[:_PLOTTED], *left]


def _cell(instant_us: int, from_us: int, width_us: int) -> int:
    return min(_PLOT_CHARS - 1, max(0, (instant_us - from_us) // width_us))
