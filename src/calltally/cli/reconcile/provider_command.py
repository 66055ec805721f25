"""Comparison of calls with a provider's own list or a file of it, with the settings of this process."""

from calltally.bootstrap.outbound import provider_access
from calltally.reconcile import provider_reconciliation
from calltally.reconcile.provider_reconciliation import ReconciliationRequest, ignore_finding
from calltally.reconcile.provider_run import OnFinding, ProviderReport
from calltally.settings import Settings
from calltally.store.db.interface import Store

__all__ = ("ReconciliationRequest", "compare")


async def compare(
    store: Store,
    settings: Settings,
    question: ReconciliationRequest,
    now_us: int,
    *,
    on_finding: OnFinding = ignore_finding,
) -> ProviderReport:
    """Run the comparison and call `on_finding` per confirmed finding.

    Raises NotFound, Misconfigured, Unavailable and InvalidInput; calls that were healed before stay healed.
    """
    return await provider_reconciliation.reconcile_provider(
        provider_access(settings, store), question, now_us, on_finding=on_finding
    )
