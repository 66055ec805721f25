"""`calltally reconcile --provider`: checked options and the comparison with a provider's list."""

from typing import Final

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.errors import InvalidInput
from calltally.calls.windows import parse_window
from calltally.cli.console.session import with_store
from calltally.cli.reconcile.options import ReconcileOptions
from calltally.cli.reconcile.provider_command import ReconciliationRequest, compare
from calltally.reconcile.provider_run import OnFinding, ProviderReport

_EVENT_OPTIONS: Final = ("as_of", "late", "grace", "expect")


def reconcile_provider(options: ReconcileOptions, provider: str, on_finding: OnFinding) -> ProviderReport:
    """Run the comparison and call `on_finding` per confirmed finding.

    Raises InvalidInput with the wrong option, and the errors of the comparison.
    """
    question = _question(options, provider)
    return with_store(
        lambda store, settings: compare(store, settings, question, wall_clock(), on_finding=on_finding)
    )


def _question(options: ReconcileOptions, provider: str) -> ReconciliationRequest:
    """Return the parameters of the comparison. Raises InvalidInput with the wrong option."""
    if options.calls is not None:
        raise InvalidInput.of(
            "calls", "--provider compares the calls of the local store; give --tenant instead of --calls"
        )
    for name in _EVENT_OPTIONS:
        if getattr(options, name) != ReconcileOptions._field_defaults[name]:
            option = name.replace("_", "-")
            raise InvalidInput.of(option, f"--{option} cannot be used with --provider; it applies to events")
    if options.tenant is None:
        raise InvalidInput.of("tenant", "the tenant is missing: give --tenant")
    if options.deliver and not options.heal:
        raise InvalidInput.of("deliver", "--deliver requires --heal")
    return ReconciliationRequest(
        tenant=options.tenant,
        provider=provider,
        window=parse_window(options.month, options.from_, options.to),
        files=tuple(options.provider_file or ()),
        heal=options.heal,
        deliver=options.deliver,
        most=options.limit,
    )
