"""`calltally reconcile`: comparison of the ledger's calls with other sources."""

import time
from collections.abc import Callable
from typing import Final

import msgspec
import typer

from calltally.calls.errors import InvalidInput
from calltally.cli.console.options import with_options
from calltally.cli.console.output import print_json
from calltally.cli.lazy_commands import server_packages
from calltally.cli.reconcile import events
from calltally.cli.reconcile.options import ReconcileOptions, check_outputs
from calltally.cli.reconcile.output import csv_findings, print_report, write_html
from calltally.reconcile.findings import Finding, ReconciliationReport

_FOUND: Final = 1


@with_options(ReconcileOptions)
def reconcile(options: ReconcileOptions) -> None:
    """Compare calls with received events, with delivered webhooks, or with a provider's list.

    The exit code is 0 without findings, 1 with findings, and 2 for wrong options.
    """
    _check_sides(options)
    check_outputs(options)
    with server_packages("a comparison with the local store"), csv_findings(options.csv) as on_finding:
        report, healed = _compare(options, on_finding)
    _output(options, report, healed)


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


def _compare(
    options: ReconcileOptions, on_finding: Callable[[Finding], None]
) -> tuple[ReconciliationReport, msgspec.Struct | None]:
    """Run the comparison and return its report, and the counts of the healing if there was one."""
    if options.against is None and options.provider is None:
        return events.compare(options, time.time_ns() // 1_000, on_finding), None
    from calltally.cli.reconcile.local_store import (
        reconcile_provider,
        run_delivery_reconciliation,
    )  # deferred: it loads the server, which may be missing

    if options.provider is None:
        return run_delivery_reconciliation(options, on_finding), None
    done = reconcile_provider(options, options.provider, on_finding)
    return done.report, done.healed


def _output(options: ReconcileOptions, report: ReconciliationReport, healed: msgspec.Struct | None) -> None:
    write_html(options.html, report)
    counts = None if healed is None else msgspec.structs.asdict(healed)
    if options.as_json:
        fields = msgspec.structs.asdict(report)
        print_json(fields if counts is None else fields | {"healed": counts})
    else:
        print_report(report)
        if counts is not None:
            typer.echo("Healed: " + ", ".join(f"{number:,} {name}" for name, number in counts.items()))
    if not report.is_clean:
        raise typer.Exit(_FOUND)
