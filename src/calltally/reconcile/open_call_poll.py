"""What a provider says of calls that are open: its word goes into the ledger as facts, and no more."""

from collections.abc import Sequence
from random import SystemRandom

from calltally.calls.events import Fact
from calltally.ingest.imports import import_facts
from calltally.net import HttpRetryPolicy, RetryingClient
from calltally.providers.list_requests import Access
from calltally.providers.registry import FETCHES
from calltally.reconcile.provider_client import Asking
from calltally.reconcile.provider_reconciliation import Place
from calltally.store.tenants.vault import find_provider_secrets

# An alert must not wait for a provider that has its own troubles.
_PATIENCE = HttpRetryPolicy(tries=2, max_s=5.0)
_TIMEOUT_S = 10.0


def can_ask(provider: str | None) -> bool:
    """Whether a provider has a list to be asked."""
    return provider in FETCHES


async def ask_about(place: Place, tenant: str, provider: str, call_sids: Sequence[str], now_us: int) -> int:
    """Ask of each call, and record what is said; returns how many calls changed by it.

    Raises Misconfigured without a sign-in, Unavailable where the provider does not answer.
    """
    sealed = await place.store.read(find_provider_secrets(tenant, provider))
    secrets = {} if sealed is None else place.open_vault().open(tenant, provider, sealed)
    access = Access(place.api_urls.get(provider, ""), secrets, now_us)
    FETCHES[provider].account_of(secrets)
    told: list[Fact] = []
    async with RetryingClient(SystemRandom().random, timeout_s=_TIMEOUT_S, retry_policy=_PATIENCE) as client:
        asking = Asking(FETCHES[provider], access, client.request)
        for call_sid in call_sids:
            told += [item for item in await asking.call(call_sid) if isinstance(item, Fact)]
    report = await import_facts(place.store, tenant, told=told, deliver=True)
    return report.recorded
