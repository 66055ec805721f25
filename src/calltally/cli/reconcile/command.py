"""`calltally reconcile`: comparison of the ledger's calls with other sources."""

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
from calltally.cli.reconcile.options import ReconcileOptions, events_request
from calltally.cli.reconcile.output import csv_findings, print_report, write_html
from calltally.cli.reconcile.output_paths import check_outputs
from calltally.client.errors import NotInstalled
from calltally.reconcile.findings import ReconciliationReport

_FOUND: Final = 1
_PACKAGE: Final = "calltally"


@with_options(ReconcileOptions)
def reconcile(options: ReconcileOptions) -> None:
    """Compare calls with received events, with delivered webhooks, or with a provider's list.

    The exit code is 0 without findings, 1 with findings, and 2 for wrong options.
    """
    _check_sides(options)
    check_outputs(options)
    with _server_packages():
        if options.against is not None:
            _against_deliveries(options)
        elif options.provider is None:
            _against_events(options)
        else:
            _against_provider(options, options.provider)


def _check_sides(options: ReconcileOptions) -> None:
    if options.against not in (None, "deliveries"):
        raise InvalidInput.of(
            "against", "--against must be deliveries; for other comparisons give --events or --provider"
        )
    sides = (bool(options.events), options.provider is not None, options.against is not None)
    if sum(sides) != 1:
        message = "choose one comparison: --events FILE, --provider NAME, or --against deliveries"
        raise InvalidInput.of("events", message)
    if options.endpoint is not None and options.against is None:
        raise InvalidInput.of("endpoint", "--endpoint requires --against deliveries")


@contextmanager
def _server_packages() -> Iterator[None]:
    """Report missing packages: comparisons with a store or a provider need those of the server."""
    try:
        yield
    except ModuleNotFoundError as fault:
        if str(fault.name).partition(".")[0] == _PACKAGE:
            raise
        raise NotInstalled.of("this comparison", "the server", extra="server") from fault


def _against_events(options: ReconcileOptions) -> None:
    request = events_request(options, time.time_ns() // 1_000)
    with csv_findings(options.csv) as on_finding:
        report = events.compare(request, on_finding)
    _output(options, report)


def _against_provider(options: ReconcileOptions, provider: str) -> None:
    from calltally.cli.reconcile.provider import (
        reconcile_provider,
    )  # deferred: it loads the server, which may be missing

    with csv_findings(options.csv) as on_finding:
        done = reconcile_provider(options, provider, on_finding)
    _output(options, done.report, done.healed)


def _against_deliveries(options: ReconcileOptions) -> None:
    from calltally.cli.reconcile.deliveries import (
        run_delivery_reconciliation,
    )  # deferred: it loads the server, which may be missing

    with csv_findings(options.csv) as on_finding:
        report = run_delivery_reconciliation(options, on_finding)
    _output(options, report)


def _output(
    options: ReconcileOptions, report: ReconciliationReport, healed: msgspec.Struct | None = None
) -> None:
    write_html(options.html, report)
    counts = None if healed is None else msgspec.structs.asdict(healed)
    if options.as_json:
        fields = msgspec.structs.asdict(report)
        print_json(fields if counts is None else fields | {"healed": counts})
    else:
        print_report(report)
        if counts is not None:
            typer.echo(_healing(counts))
    if not report.is_clean:
        raise typer.Exit(_FOUND)


def _healing(counts: dict[str, Any]) -> str:
    return "Healed: " + ", ".join(f"{number:,} {name}" for name, number in counts.items())
