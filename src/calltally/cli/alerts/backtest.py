"""`calltally alerts backtest`: alerts that rules would have raised, as text and as a plot."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from calltally.alerts.backtest.plot import plot_page
from calltally.alerts.backtest.replay import Backtest, Episode, HourlyCounts
from calltally.alerts.backtest.run import BacktestRequest, run_backtests
from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import Rules
from calltally.calls.plurals import counted
from calltally.calls.times import parse_instant, utc_text
from calltally.calls.windows import parse_window
from calltally.cli.alerts.rules import rules_in_file
from calltally.cli.console.atomic_file import atomic_writer
from calltally.cli.console.options import AsJson, Tenant, with_options
from calltally.cli.console.output import print_result
from calltally.cli.console.session import read_once, with_store
from calltally.store.alerts.detector_state import rules_of_tenant
from calltally.store.tenants.tenants import need_tenant

_PLOT_CHARS: Final = 60
_MAX_PLOTTED: Final = 20
_CAUSE_CHARS: Final = 44


class BacktestOptions(NamedTuple):
    """Options of the command, one per field."""

    tenant: Tenant
    from_: Annotated[
        str, typer.Option("--from", help="Start of the window: RFC 3339, or a date (midnight UTC).")
    ]
    to: Annotated[str, typer.Option("--to", help="End of the window, not included.")]
    rules: Annotated[
        list[Path] | None,
        typer.Option(
            help="File with rules, TOML or JSON, to compare with the current ones. Repeat for more."
        ),
    ] = None
    against: Annotated[
        Path | None, typer.Option(help="File with rules to compare with, instead of the current ones.")
    ] = None
    plot: Annotated[Path | None, typer.Option(help="Write an HTML page with a plot to this file.")] = None
    as_json: AsJson = False


@with_options(BacktestOptions)
def backtest(options: BacktestOptions) -> None:
    """Report the alerts that a set of rules would have raised in a past window. Sends and changes nothing."""
    window = parse_window(None, options.from_, options.to)
    read_once(need_tenant(options.tenant))
    request = BacktestRequest(options.tenant, *window, _rule_sets(options))
    # The plot's file is opened first, so that an error shows before minutes of work.
    with atomic_writer(options.plot) if options.plot else nullcontext() as write:
        hours = HourlyCounts(*request.window_s) if write else None
        backtests = with_store(
            lambda store, _settings: run_backtests(store, request, RateDetectorFactory(), hours)
        )
        if write and hours is not None:
            write(plot_page(request.tenant, backtests, hours, (request.from_us, request.to_us)))
    print_result(backtests, lambda done: print_backtests(done, request), as_json=options.as_json)


def _rule_sets(options: BacktestOptions) -> Mapping[str, Rules]:
    """Return the rule sets by name, the reference first."""
    files = [*([options.against] if options.against else []), *(options.rules or [])]
    read = {_name(file, files): rules_in_file(file) for file in files}
    if options.against is not None:
        return read
    return {"as set": rules_or_defaults(read_once(rules_of_tenant(options.tenant))), **read}


def _name(file: Path, files: Sequence[Path]) -> str:
    """Return a file's name, or its path if another file has the same name."""
    is_unique = [each.name for each in files].count(file.name) == 1
    return file.name if is_unique else str(file)


def print_backtests(backtests: Sequence[Backtest], request: BacktestRequest) -> None:
    """Print a line per rule set, then for each a plot and a list of its alerts."""
    for each in backtests:
        alerts = counted(len(each.episodes), "alert")
        typer.echo(f"{each.name}: {alerts} in {each.weeks:.1f} weeks, {each.a_week:.1f} a week")
    for each in backtests:
        typer.echo(f"\n{each.name}")
        for line in plot(each.episodes, request.from_us, request.to_us):
            typer.echo(f"  {line}")
        for episode in each.episodes:
            ended = episode.ended[:16] if episode.ended else "still firing"
            typer.echo(f"  {episode.found[:16]}  to {ended}  {episode.message}")


def plot(episodes: Sequence[Episode], from_us: int, to_us: int) -> list[str]:
    """Return a line per cause over the window, with marks where its alert was firing."""
    if not episodes:
        return []
    width_us = max(1, (to_us - from_us) // _PLOT_CHARS)
    lines: dict[str, list[str]] = {}
    for episode in episodes:
        cells = lines.setdefault(episode.cause, ["·"] * _PLOT_CHARS)
        ended_us = parse_instant(episode.ended) if episode.ended else to_us
        first, last = (_cell(us, from_us, width_us) for us in (parse_instant(episode.found), ended_us))
        cells[first : last + 1] = "█" * (last - first + 1)
    plotted = [f"{cause[:_CAUSE_CHARS]:<{_CAUSE_CHARS}} {''.join(cells)}" for cause, cells in lines.items()]
    scale = f"{'':<{_CAUSE_CHARS}} {utc_text(from_us)[:10]:<{_PLOT_CHARS - 10}}{utc_text(to_us)[:10]}"
    rest = [f"and {len(plotted) - _MAX_PLOTTED} more causes"] if len(plotted) > _MAX_PLOTTED else []
    return [scale, *plotted[:_MAX_PLOTTED], *rest]


def _cell(instant_us: int, from_us: int, width_us: int) -> int:
    return min(_PLOT_CHARS - 1, max(0, (instant_us - from_us) // width_us))
