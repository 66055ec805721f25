"""`calltally reconcile --against deliveries`: comparison of calls with delivered webhooks."""

from collections.abc import Callable
from typing import Final

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.errors import InvalidInput
from calltally.calls.identity import parse_uuid
from calltally.calls.times import DAY_US
from calltally.calls.windows import parse_window
from calltally.cli.console.session import with_store
from calltally.cli.reconcile.options import ReconcileOptions
from calltally.reconcile.against_deliveries import DeliveryReconciliation, reconcile_deliveries
from calltally.reconcile.findings import Finding, ReconciliationReport
from calltally.settings import Settings

_FOREIGN_OPTIONS: Final = ("calls", "as_of", "late", "grace", "expect", "provider_file")


def run_delivery_reconciliation(
    options: ReconcileOptions, on_finding: Callable[[Finding], None]
) -> ReconciliationReport:
    """Run the comparison and call `on_finding` per finding. Raises InvalidInput with the wrong option."""
    _check(options)
    now_us = wall_clock()
    return with_store(
        lambda store, settings: reconcile_deliveries(
            store, _question(options, settings, now_us), now_us, on_finding
        )
    )


def _question(options: ReconcileOptions, settings: Settings, now_us: int) -> DeliveryReconciliation:
    return DeliveryReconciliation(
        tenant=options.tenant or "",
        endpoint=parse_uuid(options.endpoint or "") or b"",
        window=parse_window(options.month, options.from_, options.to),
        since_us=now_us - settings.event_days * DAY_US,
        heal=options.heal,
        most=options.limit,
    )


def _check(options: ReconcileOptions) -> None:
    for name in _FOREIGN_OPTIONS:
        if getattr(options, name) != ReconcileOptions._field_defaults[name]:
            option = name.replace("_", "-")
            raise InvalidInput.of(option, f"--{option} cannot be used with --against deliveries")
    if options.tenant is None or options.endpoint is None:
        raise InvalidInput.of(
            "endpoint", "the tenant or the endpoint is missing: give --tenant and --endpoint"
        )
    if options.heal != options.deliver:
        raise InvalidInput.of("heal", "give both --heal and --deliver to deliver missing events")
