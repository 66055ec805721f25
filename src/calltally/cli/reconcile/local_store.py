"""The local store's calls, compared with events, with a provider's list, or with delivered webhooks."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Final

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings, opened_store
from calltally.bootstrap.outbound import provider_access
from calltally.calls.errors import InvalidInput
from calltally.calls.identity import parse_uuid
from calltally.calls.times import DAY_US
from calltally.calls.windows import TimeWindow, parse_window
from calltally.cli.console.session import with_store
from calltally.cli.reconcile.options import ReconcileOptions
from calltally.exports.window import calls_of_window
from calltally.reconcile import provider_reconciliation
from calltally.reconcile.against_deliveries import DeliveryReconciliation, reconcile_deliveries
from calltally.reconcile.call_states import LOOKBACK_US, CallState, chunk_states, mark_outside
from calltally.reconcile.findings import ReconciliationReport
from calltally.reconcile.provider_reconciliation import ReconciliationRequest
from calltally.reconcile.provider_run import OnFinding, ProviderReport
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.store.ledger.lookup import find_call
from calltally.store.tenants.tenants import need_tenant

_EVENT_OPTIONS: Final = ("as_of", "late", "grace", "expect")


def reconcile_provider(options: ReconcileOptions, provider: str, on_finding: OnFinding) -> ProviderReport:
    """Run the comparison and call `on_finding` per confirmed finding; healed calls stay healed.

    Raises InvalidInput with the wrong option, NotFound, Misconfigured and Unavailable.
    """
    if options.calls is not None:
        raise InvalidInput.of(
            "calls", "--provider compares the calls of the local store; give --tenant instead of --calls"
        )
    _refuse(options, _EVENT_OPTIONS, "cannot be used with --provider; it applies to events")
    if options.tenant is None:
        raise InvalidInput.of("tenant", "the tenant is missing: give --tenant")
    if options.deliver and not options.heal:
        raise InvalidInput.of("deliver", "--deliver requires --heal")
    request = ReconciliationRequest(
        tenant=options.tenant,
        provider=provider,
        window=parse_window(options.month, options.from_, options.to),
        files=tuple(options.provider_file or ()),
        heal=options.heal,
        deliver=options.deliver,
        most=options.limit,
    )
    return with_store(
        lambda store, settings: provider_reconciliation.reconcile_provider(
            provider_access(settings, store), request, wall_clock(), on_finding=on_finding
        )
    )


def run_delivery_reconciliation(options: ReconcileOptions, on_finding: OnFinding) -> ReconciliationReport:
    """Run the comparison and call `on_finding` per finding. Raises InvalidInput with the wrong option."""
    foreign = ("calls", *_EVENT_OPTIONS, "provider_file")
    _refuse(options, foreign, "cannot be used with --against deliveries")
    if options.tenant is None or options.endpoint is None:
        raise InvalidInput.of(
            "endpoint", "the tenant or the endpoint is missing: give --tenant and --endpoint"
        )
    if options.heal != options.deliver:
        raise InvalidInput.of("heal", "give both --heal and --deliver to deliver missing events")
    tenant, endpoint, now_us = options.tenant, parse_uuid(options.endpoint) or b"", wall_clock()

    async def compare(store: Store, settings: Settings) -> ReconciliationReport:
        window = parse_window(options.month, options.from_, options.to)
        since_us = now_us - settings.event_days * DAY_US
        request = DeliveryReconciliation(tenant, endpoint, window, since_us, options.heal, options.limit)
        return await reconcile_deliveries(store, request, now_us, on_finding)

    return with_store(compare)


def _refuse(options: ReconcileOptions, names: Sequence[str], reason: str) -> None:
    """Raise InvalidInput for the first of these options that is given."""
    for name in names:
        if getattr(options, name) != ReconcileOptions._field_defaults[name]:
            option = name.replace("_", "-")
            raise InvalidInput.of(option, f"--{option} {reason}")


@contextmanager
def store_side(window: TimeWindow, tenant: str) -> Iterator["StoreSide"]:
    """Open the configured store. Raises NotFound for an unknown tenant."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            store = runner.run(stack.enter_async_context(opened_store(load_settings(), wall_clock)))
            runner.run(store.read(need_tenant(tenant)))
            yield StoreSide(runner, store, window, tenant)
        finally:
            runner.run(stack.aclose())


class StoreSide:
    """Calls of the configured store in one snapshot."""

    def __init__(self, runner: asyncio.Runner, store: Store, window: TimeWindow, tenant: str) -> None:
        self._runner, self._store = runner, store
        self._window, self._tenant = window, tenant

    def states(self) -> Iterator[CallState]:
        """Yield all calls, chunk by chunk."""
        from_us, to_us = self._window
        window = TimeWindow(from_us - LOOKBACK_US, to_us)
        chunks = self._runner.run(calls_of_window(self._store, self._tenant, window)).chunks()
        try:
            while (records := self._runner.run(anext(chunks, b""))) != b"":
                yield from (mark_outside(state, self._window) for state in chunk_states(records))
        finally:
            self._runner.run(chunks.aclose())

    def find(self, call_sid: str) -> CallState | None:
        """Look up the call that has or had this SID."""
        operation = find_call(self._tenant, call_sid)
        record = self._runner.run(self._store.read(operation))
        return None if record is None else next(chunk_states(record), None)
