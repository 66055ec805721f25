"""`calltally reconcile`: our calls against what others say of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import typer

from calltally.calls.errors import InvalidInput
from calltally.cli.console.option_groups import with_options
from calltally.cli.console.output import print_json
from calltally.cli.reconcile import events
from calltally.cli.reconcile.options import ReconcileOptions, events_question
from calltally.cli.reconcile.output import csv_findings, print_report, write_html
from calltally.cli.reconcile.output_paths import check_outputs
from calltally.client.errors import NotInstalled
from calltally.reconcile.findings import ReconciliationReport

_FOUND: Final = 1
_OURS: Final = "calltally"


@with_options(ReconcileOptions)
def reconcile(options: ReconcileOptions) -> None:
    """Compare calls with the events that were received of them, or with what a provider lists.

    The exit code is 0 where nothing was found, 1 where something was, 2 where it was asked in a wrong way.
    """
    _check_sides(options)
    check_outputs(options)
    with _what_the_server_needs():
        if options.against is not None:
            _against_deliveries(options)
        elif options.provider is None:
            _against_events(options)
        else:
            _against_provider(options, options.provider)


def _check_sides(options: ReconcileOptions) -> None:
    if options.against not in (None, "deliveries"):
        raise InvalidInput.of("against", "--against is deliveries; else give --events or --provider")
    sides = (bool(options.events), options.provider is not None, options.against is not None)
    if sum(sides) != 1:
        message = "say what to compare with: --events FILE, --provider NAME, or --against deliveries"
        raise InvalidInput.of("events", message)
    if options.endpoint is not None and options.against is None:
        raise InvalidInput.of("endpoint", "--endpoint goes with --against deliveries")


@contextmanager
def _what_the_server_needs() -> Iterator[None]:
    """Exports and servers are compared without it; a store and a provider are not."""
    try:
        yield
    except ModuleNotFoundError as fault:
        if str(fault.name).partition(".")[0] == _OURS:
            raise
        raise NotInstalled.of("this comparison", "the server", extra="server") from fault


def _against_events(options: ReconcileOptions) -> None:
    question = events_question(options, time.time_ns() // 1_000)
    with csv_findings(options.csv) as tell:
        report = events.compare(question, tell)
    _tell(options, report)


def _against_provider(options: ReconcileOptions, provider: str) -> None:
    from calltally.cli.reconcile.provider import (
        compared,
    )  # deferred: it loads the server, which may be missing

    with csv_findings(options.csv) as tell:
        done = compared(options, provider, tell)
    _tell(options, done.report, done.healed)


def _against_deliveries(options: ReconcileOptions) -> None:
    from calltally.cli.reconcile.deliveries import (
        compared,
    )  # deferred: it loads the server, which may be missing

    with csv_findings(options.csv) as tell:
        report = compared(options, tell)
    _tell(options, report)


def _tell(
    options: ReconcileOptions, report: ReconciliationReport, healed: msgspec.Struct | None = None
) -> None:
    write_html(options.html, report)
    counts = None if healed is None else msgspec.structs.asdict(healed)
    if options.as_json:
        told = msgspec.structs.asdict(report)
        print_json(told if counts is None else told | {"healed": counts})
    else:
        print_report(report)
        if counts is not None:
            typer.echo(_healing(counts))
    if not report.is_clean:
        raise typer.Exit(_FOUND)


def _healing(counts: dict[str, Any]) -> str:
    return "Healed: " + ", ".join(f"{number:,} {name}" for name, number in counts.items())
