"""`calltally alerts backtest`: what rules would have alarmed, printed and drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from calltally.alerts.backtest.hourly_counts import HourlyCounts
from calltally.alerts.backtest.plot import plot_page
from calltally.alerts.backtest.replay import Backtest
from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import Rules, read_rules
from calltally.calls.errors import InvalidInput
from calltally.calls.windows import parse_window
from calltally.cli.alerts.backtest_run import Asked, backtest_of, print_backtests
from calltally.cli.console.atomic_file import written
from calltally.cli.console.option_groups import with_options
from calltally.cli.console.output import print_json
from calltally.cli.console.session import read_once, with_store
from calltally.store.alerts.detector_state import rules_of_tenant


class BacktestOptions(NamedTuple):
    """On whose past; each other field is an option of its name."""

    tenant: Annotated[str, typer.Argument(help="On whose past.")]
    from_: Annotated[str, typer.Option("--from", help="Its begin: RFC 3339, or a date (midnight UTC).")]
    to: Annotated[str, typer.Option("--to", help="Its end, which is not in it.")]
    rules: Annotated[
        list[Path] | None,
        typer.Option(help="Rules in TOML or JSON to compare with those that are set; repeat for more."),
    ] = None
    against: Annotated[
        Path | None, typer.Option(help="Rules to compare with instead of those that are set.")
    ] = None
    plot: Annotated[Path | None, typer.Option(help="Write a page with a plot to this file.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


@with_options(BacktestOptions)
def backtest(options: BacktestOptions) -> None:
    """Say what would have fired, when, and for how long. Nobody is told, and nothing is changed."""
    window = parse_window(None, options.from_, options.to)
    asked = Asked(options.tenant, *window, _compared(options))
    done = _plotted(asked, options.plot) if options.plot is not None else _tried(asked, None)
    if options.as_json:
        print_json(done)
    else:
        print_backtests(done, asked)


def _tried(asked: Asked, hours: HourlyCounts | None) -> list[Backtest]:
    return with_store(lambda store, _settings: backtest_of(store, asked, RateDetectorFactory(), hours))


def _plotted(asked: Asked, plot: Path) -> list[Backtest]:
    """The file is opened first: minutes of work are not for one that cannot be written."""
    with written(plot) as write:
        hours = HourlyCounts(*asked.window_s)
        done = _tried(asked, hours)
        write(plot_page(asked.tenant, done, hours, (asked.from_us, asked.to_us)))
    return done


def _compared(options: BacktestOptions) -> Mapping[str, Rules]:
    """The rules by their names: those to compare with, and the others."""
    files = [*([options.against] if options.against else []), *(options.rules or [])]
    read = {_name(file, files): _rules_in(file) for file in files}
    if options.against is not None:
        return read
    return {"as set": rules_or_defaults(read_once(rules_of_tenant(options.tenant))), **read}


def _name(file: Path, files: Sequence[Path]) -> str:
    """A file's own name, unless another of them has it too."""
    is_alone = [each.name for each in files].count(file.name) == 1
    return file.name if is_alone else str(file)


def _rules_in(file: Path) -> Rules:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidInput.of("rules", f"{file} cannot be read: {fault}") from fault
    return read_rules(text, is_toml=file.suffix == ".toml")
