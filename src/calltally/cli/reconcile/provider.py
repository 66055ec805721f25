"""From the options of `calltally reconcile --provider` to its report."""

from typing import Final

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.errors import InvalidInput
from calltally.calls.windows import parse_window
from calltally.cli.console.session import with_store
from calltally.cli.reconcile.options import ReconcileOptions
from calltally.cli.reconcile.provider_command import ReconciliationRequest, compare
from calltally.reconcile.provider_reconciliation import OnFinding
from calltally.reconcile.provider_run import ProviderReport

_OF_EVENTS: Final = ("as_of", "late", "grace", "expect")


def compared(options: ReconcileOptions, provider: str, told: OnFinding) -> ProviderReport:
    """One run; `told` hears each finding as it is confirmed.

    Raises InvalidInput naming the option that is wrong, and what the run raises.
    """
    question = _question(options, provider)
    return with_store(lambda store, settings: compare(store, settings, question, wall_clock(), told=told))


def _question(options: ReconcileOptions, provider: str) -> ReconciliationRequest:
    """What is compared with a provider. Raises InvalidInput naming the option that is wrong."""
    if options.calls is not None:
        raise InvalidInput.of("calls", "with --provider our calls are those of the store here: say --tenant")
    for name in _OF_EVENTS:
        if getattr(options, name) != ReconcileOptions._field_defaults[name]:
            option = name.replace("_", "-")
            raise InvalidInput.of(option, f"--{option} is of events: with --provider it says nothing")
    if options.tenant is None:
        raise InvalidInput.of("tenant", "say whose calls: --tenant")
    if options.deliver and not options.heal:
        raise InvalidInput.of("deliver", "--deliver goes with --heal")
    return ReconciliationRequest(
        tenant=options.tenant,
        provider=provider,
        window=parse_window(options.month, options.from_, options.to),
        files=tuple(options.provider_file or ()),
        heal=options.heal,
        deliver=options.deliver,
        most=options.limit,
    )
