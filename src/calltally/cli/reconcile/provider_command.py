"""`calltally reconcile --provider`: our calls against the provider's own list, or a file of it."""

from calltally.bootstrap.outbound import provider_access
from calltally.reconcile import provider_reconciliation
from calltally.reconcile.provider_reconciliation import OnFinding, ReconciliationRequest, ignore_finding
from calltally.reconcile.provider_run import ProviderReport
from calltally.settings import Settings
from calltally.store.db.interface import Store

__all__ = ("ReconciliationRequest", "compare")


async def compare(
    store: Store,
    settings: Settings,
    question: ReconciliationRequest,
    now_us: int,
    *,
    told: OnFinding = ignore_finding,
) -> ProviderReport:
    """One run with the settings of this process; `told` hears each finding as it is confirmed.

    Raises NotFound, Misconfigured, Unavailable and InvalidInput; what was healed by then stays.
    """
    return await provider_reconciliation.reconcile_provider(
        provider_access(settings, store), question, now_us, on_finding=told
    )
