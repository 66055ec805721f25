"""Poll of a provider for open calls: its facts are recorded in the ledger."""

from collections.abc import Sequence
from random import SystemRandom

from calltally.calls.events import Fact
from calltally.ingest.imports import import_facts
from calltally.net import RetryingClient
from calltally.providers.call_fetcher import ApiAccess
from calltally.providers.registry import FETCHERS
from calltally.reconcile.provider_client import ProviderClient
from calltally.reconcile.provider_reconciliation import ProviderContext
from calltally.retry_policy import RetryPolicy
from calltally.store.tenants.vault import find_provider_secrets

# An alert must not wait for a provider that has problems.
_RETRIES = RetryPolicy(tries=2, max_s=5.0)
_TIMEOUT_S = 10.0


def has_list_api(provider: str | None) -> bool:
    """Return true if the provider has a list API."""
    return provider in FETCHERS


async def poll_open_calls(
    context: ProviderContext, tenant: str, provider: str, call_sids: Sequence[str], now_us: int
) -> int:
    """Fetch each call from the provider and record the facts. Returns the number of changed calls.

    Raises Misconfigured without credentials, Unavailable if the provider does not respond.
    """
    sealed = await context.store.read(find_provider_secrets(tenant, provider))
    secrets = {} if sealed is None else context.open_vault().open(tenant, provider, sealed)
    access = ApiAccess(context.api_urls.get(provider, ""), secrets, now_us)
    FETCHERS[provider].account_of(secrets)
    facts: list[Fact] = []
    async with RetryingClient(SystemRandom().random, timeout_s=_TIMEOUT_S, retry_policy=_RETRIES) as client:
        provider_client = ProviderClient(FETCHERS[provider], access, client.request)
        for call_sid in call_sids:
            facts += [item for item in await provider_client.call(call_sid) if isinstance(item, Fact)]
    report = await import_facts(context.store, tenant, items=facts, deliver=True)
    return report.recorded
