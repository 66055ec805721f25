"""`calltally reconcile --provider`: our calls against the provider's own list, or a file of it."""

from calltally.bootstrap.outbound import provider_place
from calltally.reconcile import provider_reconciliation
from calltally.reconcile.provider_reconciliation import Question, Told, untold
from calltally.reconcile.provider_run import ProviderReport
from calltally.settings import Settings
from calltally.store.db.interface import Store

__all__ = ("Question", "compare")


async def compare(
    store: Store, settings: Settings, question: Question, now_us: int, *, told: Told = untold
) -> ProviderReport:
    """One run with the settings of this process; `told` hears each finding as it is confirmed.

    Raises NotFound, Misconfigured, Unavailable and InvalidInput; what was healed by then stays.
    """
    return await provider_reconciliation.compare(provider_place(settings, store), question, now_us, told=told)
