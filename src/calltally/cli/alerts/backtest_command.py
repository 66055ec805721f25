"""`calltally alerts backtest`: alerts that rules would have raised, as text and as a plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from calltally.alerts.backtest.plot import plot_page
from calltally.alerts.backtest.replay import Backtest, HourlyCounts
from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import Rules, read_rules
from calltally.calls.errors import InvalidInput
from calltally.calls.windows import parse_window
from calltally.cli.alerts.backtest_run import BacktestRequest, print_backtests, run_backtests
from calltally.cli.console.atomic_file import atomic_writer
from calltally.cli.console.option_groups import with_options
from calltally.cli.console.output import print_json
from calltally.cli.console.session import read_once, with_store
from calltally.store.alerts.detector_state import rules_of_tenant


class BacktestOptions(NamedTuple):
    """Options of the command, one per field."""

    tenant: Annotated[str, typer.Argument(help="The tenant's id.")]
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


@with_options(BacktestOptions)
def backtest(options: BacktestOptions) -> None:
    """Report the alerts that rules would have raised in a past window. Sends and changes nothing."""
    window = parse_window(None, options.from_, options.to)
    request = BacktestRequest(options.tenant, *window, _rule_sets(options))
    backtests = _run_with_plot(request, options.plot) if options.plot is not None else _run(request, None)
    if options.as_json:
        print_json(backtests)
    else:
        print_backtests(backtests, request)


def _run(request: BacktestRequest, hours: HourlyCounts | None) -> list[Backtest]:
    return with_store(lambda store, _settings: run_backtests(store, request, RateDetectorFactory(), hours))


def _run_with_plot(request: BacktestRequest, plot: Path) -> list[Backtest]:
    """Run the back-tests and write the plot. The file is opened before minutes of work."""
    with atomic_writer(plot) as write:
        hours = HourlyCounts(*request.window_s)
        backtests = _run(request, hours)
        write(plot_page(request.tenant, backtests, hours, (request.from_us, request.to_us)))
    return backtests


def _rule_sets(options: BacktestOptions) -> Mapping[str, Rules]:
    """Return the rule sets by name, the reference first."""
    files = [*([options.against] if options.against else []), *(options.rules or [])]
    read = {_name(file, files): _rules_in(file) for file in files}
    if options.against is not None:
        return read
    return {"as set": rules_or_defaults(read_once(rules_of_tenant(options.tenant))), **read}


def _name(file: Path, files: Sequence[Path]) -> str:
    """Return a file's name, or its path if another file has the same name."""
    is_unique = [each.name for each in files].count(file.name) == 1
    return file.name if is_unique else str(file)


def _rules_in(file: Path) -> Rules:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidInput.of("rules", f"{file} cannot be read: {fault}") from fault
    return read_rules(text, is_toml=file.suffix == ".toml")
