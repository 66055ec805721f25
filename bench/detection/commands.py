"""Commands of the detection benchmark: synthetic months, and scores of rules on their incidents."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from bench.detection.labelled import labelled_month
from bench.detection.month.events import events_of
from bench.detection.month.tenant import Size
from bench.detection.score_run import Report, scored
from bench.detection.scoring import Score, TroubleScore
from bench.detection.single_calls import single_month
from bench.detection.single_events import single_events_of
from bench.detection.single_scoring import scored_calls
from calltally.alerts.model.rules import Rules, read_rules
from calltally.calls.errors import InvalidInput
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_json

_TOML: Final = ".toml"
# Narrower terminals have no room for all columns.
_WIDE: Final = 110
_MAX_ROUTES: Final = 1000
# The names of the commands below.
DETECTION: Final = ("score", "score-calls", "traffic")

detection: Final = typer.Typer(
    no_args_is_help=True,
    help="Generate synthetic traffic with labelled incidents, and score detectors on it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@detection.command()
def score(
    *,
    months: Annotated[
        int, typer.Option(min=1, max=10_000, help="Number of months, each with its own seed.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first month.")] = 1,
    routes: Annotated[
        int, typer.Option(min=6, max=_MAX_ROUTES, help="Number of routes of each tenant.")
    ] = 100,
    rules: Annotated[Path | None, typer.Option(help="File with the rules to score, TOML or JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score the detectors, and common alternatives, on synthetic months with labelled incidents.

    A month of 100 routes takes about three seconds of one core, and all cores are used. The same seeds give
    the same table.
    """
    size = Size(routes=routes)
    seeds = range(seed, seed + months)
    report = scored(seeds, size, rules_of_file(rules), _print_progress, os.cpu_count() or 1)
    if as_json:
        print_json(report)
    else:
        print_report(report)


@detection.command()
def score_calls(
    *,
    months: Annotated[
        int, typer.Option(min=1, max=10_000, help="Number of months, each with its own seed.")
    ] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first month.")] = 1,
    rules: Annotated[Path | None, typer.Option(help="File with the rules to score, TOML or JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score the alerts about single calls (stuck, lost callbacks, reused SIDs) and about silence.

    A month has 6 routes and about 150,000 calls, and takes three seconds.
    """
    report = scored_calls(range(seed, seed + months), rules_of_file(rules), _print_progress)
    if as_json:
        print_json(report)
    else:
        print_report(report)


@detection.command()
def traffic(
    *,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the month.")] = 1,
    hours: Annotated[
        int, typer.Option(min=1, max=720, help="Number of hours, from the start of the month.")
    ] = 24,
    routes: Annotated[int, typer.Option(min=6, max=_MAX_ROUTES, help="Number of routes of the tenant.")] = 6,
    single: Annotated[
        bool,
        typer.Option(
            "--single",
            help="Generate the calls of `score-calls`, on 6 routes: some stuck, lost, or with a reused SID.",
        ),
    ] = False,
) -> None:
    """Write the calls of a synthetic month as events for `POST /api/v1/events`, one JSON object per line."""
    if single:
        for line in single_events_of(single_month(seed), hours):
            typer.echo(line)
        return
    for line in events_of(labelled_month(seed, Size(routes=routes)), hours):
        typer.echo(line)


def rules_of_file(path: Path | None) -> Rules:
    """Return the rules of a file, or the default rules without one. Raises InvalidInput."""
    if path is None:
        return Rules()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidInput.of("rules", f"the rules in {path} cannot be read: {fault}") from fault
    return read_rules(text, is_toml=path.suffix == _TOML)


def _print_progress(report: Report) -> None:
    typer.echo(f"{report.months} months scored", err=True)


def print_report(report: Report) -> None:
    """Print a table of all rule sets, with the scores for each kind of incident."""
    console = Console(highlight=False)
    last = report.first_seed + report.months - 1
    console.print(
        f"{report.months} months of {report.routes} routes, seeds {report.first_seed} to {last}; "
        f"{report.budget_a_week:g} false alarms a week allowed"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    is_wide = console.width >= _WIDE
    for name in ("rule set", "incident", "number"):
        table.add_column(name, justify="right" if name == "number" else "left", no_wrap=True)
    for name in ("found", "in time", "median", *(("p90", "precision") if is_wide else ())):
        table.add_column(name, justify="right")
    table.add_column("false alarms a week" if is_wide else "false/week", justify="right")
    if is_wide:
        table.add_column("a route", justify="right")
    for each in report.scores:
        for index, trouble in enumerate(each.troubles):
            table.add_row(*_row(each, trouble, is_first=index == 0, is_wide=is_wide))
        table.add_section()
    console.print(table)


def _row(score: Score, trouble: TroubleScore, *, is_first: bool, is_wide: bool) -> list[str]:
    row = [score.name if is_first else "", trouble.trouble.value, str(trouble.incidents)]
    row += [f"{trouble.recall:.1%}", f"{trouble.in_time:.1%}"]
    row.append(_hours(trouble.median_delay_hours))
    if is_wide:
        row += [_hours(trouble.p90_delay_hours), f"{score.precision:.1%}" if is_first else ""]
    interval = f"{score.false_alarms_a_week:.2f} ({score.low:.2f} to {score.high:.2f})"
    row.append((interval if is_wide else f"{score.false_alarms_a_week:.2f}") if is_first else "")
    if is_wide:
        row.append(f"{score.false_alarms_a_route_and_week:.4f}" if is_first else "")
    return row


def _hours(delay: float | None) -> str:
    if delay is None:
        return "-"
    return f"{delay * 60:.0f} min" if delay < 1 else f"{delay:.1f} h"
