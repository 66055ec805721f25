"""Reconciliation with a provider, from the request to the report, and the poll for single open calls."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice
from pathlib import Path
from random import SystemRandom
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import InvalidInput, Misconfigured
from calltally.calls.events import Channel, Fact
from calltally.calls.times import DAY_US, EARLIEST_US
from calltally.calls.windows import LAST_US, TimeWindow
from calltally.exports.window import calls_of_window
from calltally.ingest.imports import ImportReport, import_facts
from calltally.net import RetryingClient
from calltally.providers.call_fetcher import ApiAccess, StartWindow
from calltally.providers.callback import RecordSource
from calltally.providers.provider import ListFacts, ProviderKind
from calltally.providers.registry import FETCHERS, PROVIDERS, RECORDS
from calltally.reconcile.against_provider import ProviderTerms
from calltally.reconcile.findings import Finding
from calltally.reconcile.heal import Healer
from calltally.reconcile.provider_client import ProviderClient
from calltally.reconcile.provider_run import (
    Items,
    OnFinding,
    ProviderReport,
    ProviderRun,
    RunOptions,
    SortResources,
)
from calltally.reconcile.recheck import Recheck
from calltally.retry_policy import RetryPolicy
from calltally.store.db.interface import Store
from calltally.store.tenants.tenants import need_tenant
from calltally.store.tenants.vault import Vault, find_provider_secrets

_PAGE_ITEMS: Final = 1_000
# An alert must not wait for a provider that has problems.
_POLL_RETRIES: Final = RetryPolicy(tries=2, max_s=5.0)
_POLL_TIMEOUT_S: Final = 10.0


def ignore_finding(_finding: Finding) -> None:
    """Do nothing: the report contains the finding."""


class ReconciliationRequest(msgspec.Struct, frozen=True):
    """Request of a reconciliation with a provider. `files` replace the provider's API.

    Our side is read at revision `at_least` of the ledger or later. `most` limits the listed findings per
    kind.
    """

    tenant: str
    provider: str
    window: TimeWindow
    files: tuple[Path, ...] = ()
    heal: bool = False
    deliver: bool = False
    tolerance_s: int = 1
    open_limit_us: int = DAY_US
    most: int | None = None
    at_least: int = 0


class ProviderContext(NamedTuple):
    """Access to providers: the store with the secrets, and the base URL of each provider's API.

    `open_vault` is called only if there is a secret to open.
    """

    store: Store
    open_vault: Callable[[], Vault]
    api_urls: Mapping[str, str]


_DEFAULT_RESOURCES: Final = SortResources()


async def reconcile_provider(
    context: ProviderContext,
    request: ReconciliationRequest,
    now_us: int,
    *,
    on_finding: OnFinding = ignore_finding,
    resources: SortResources = _DEFAULT_RESOURCES,
) -> ProviderReport:
    """Run a reconciliation. `on_finding` is called for each confirmed finding.

    Raises NotFound, Misconfigured, Unavailable and InvalidInput. Healed calls stay healed after an error.
    """
    _check_provider(request)
    await context.store.read(need_tenant(request.tenant))
    async with RetryingClient(SystemRandom().random) as client:
        access = await _access(context, request.tenant, request.provider, now_us)
        provider_client = _client(request, access, client)
        terms = _terms(request, now_us, provider_client.account if provider_client else None)
        if request.files or provider_client is None:
            account = access.secrets.get(PROVIDERS[request.provider].account_name, "")
            source = RecordSource(Channel.IMPORT, now_us, account)
            theirs = _file_items(RECORDS[request.provider], request.files, source)
        else:
            theirs = provider_client.pages(_started(terms))
        submit = partial(_submit, context.store, request)
        options = RunOptions(
            recheck=Recheck(context.store, request.tenant, provider_client.call if provider_client else None),
            healer=Healer(submit) if request.heal else None,
            most=request.most,
            is_file=bool(request.files),
        )
        run = ProviderRun(terms, options, on_finding)
        return await run.run(_ours(context.store, request, terms), theirs, resources)


async def _submit(store: Store, request: ReconciliationRequest, facts: Sequence[Fact]) -> ImportReport:
    return await import_facts(store, request.tenant, items=facts, deliver=request.deliver)


def _check_provider(request: ReconciliationRequest) -> None:
    name = request.provider
    if name not in PROVIDERS:
        message = f"there is no provider {name[:64]!r}; the providers are {', '.join(PROVIDERS)}"
        raise InvalidInput.of("provider", message)
    if request.files and name not in RECORDS:
        message = f"files of {name} cannot be read; use a file of {', '.join(RECORDS)}"
        raise InvalidInput.of("provider-file", message)
    if not request.files and name not in FETCHERS:
        message = f"{name} has no list API; name a file of its list, or one of {', '.join(FETCHERS)}"
        raise InvalidInput.of("provider", message)


async def _access(context: ProviderContext, tenant: str, provider: str, now_us: int) -> ApiAccess:
    sealed = await context.store.read(find_provider_secrets(tenant, provider))
    secrets = {} if sealed is None else context.open_vault().open(tenant, provider, sealed)
    return ApiAccess(context.api_urls.get(provider, ""), secrets, now_us)


def _client(
    request: ReconciliationRequest, access: ApiAccess, client: RetryingClient
) -> ProviderClient | None:
    """Return the provider's client; None if files replace it and there are no credentials."""
    provider = FETCHERS.get(request.provider)
    if provider is None:
        return None
    try:
        provider.account_of(access.secrets)
    except Misconfigured:
        if not request.files:
            raise
        return None
    return ProviderClient(provider, access, client.request)


def _terms(request: ReconciliationRequest, now_us: int, account: str | None) -> ProviderTerms:
    return ProviderTerms(
        provider=request.provider,
        account=account,
        from_us=request.window.from_us,
        to_us=request.window.to_us,
        now_us=now_us,
        tolerance_s=request.tolerance_s,
        open_limit_us=request.open_limit_us,
        by_platform=PROVIDERS[request.provider].kind is ProviderKind.PLATFORM,
    )


def _started(terms: ProviderTerms) -> StartWindow:
    """Return the window with its margins, limited to times that calls can have."""
    from_us, to_us = terms.from_us - terms.margin_us, terms.to_us + terms.margin_us
    return StartWindow(max(from_us, EARLIEST_US), max(min(to_us, LAST_US), EARLIEST_US))


async def _ours(store: Store, request: ReconciliationRequest, terms: ProviderTerms) -> AsyncGenerator[bytes]:
    """Yield our calls of the window and its margins from one snapshot, whichever source reported them."""
    started = TimeWindow(*_started(terms))
    calls = await calls_of_window(store, request.tenant, started, at_least=request.at_least)
    async with aclosing(calls.chunks()) as chunks:
        async for records in chunks:
            yield records


async def _file_items(
    list_facts: ListFacts, paths: tuple[Path, ...], source: RecordSource
) -> AsyncGenerator[Items]:
    """Yield the facts of the files, read as by `calltally import`. A refusal names its file."""
    for path in paths:
        with path.open("rb") as file:
            facts = list_facts(file, source)
            while items := list(islice(facts, _PAGE_ITEMS)):
                yield [
                    item
                    if isinstance(item, Fact)
                    else replace(item, position=f"{path.name}: {item.position}")
                    for item in items
                ]


async def poll_open_calls(
    context: ProviderContext, tenant: str, provider: str, call_sids: Sequence[str], now_us: int
) -> int:
    """Fetch each call from the provider and record the facts. Returns the number of changed calls.

    Raises Misconfigured without credentials, Unavailable if the provider does not respond.
    """
    access = await _access(context, tenant, provider, now_us)
    FETCHERS[provider].account_of(access.secrets)
    facts: list[Fact] = []
    chance = SystemRandom().random
    async with RetryingClient(chance, timeout_s=_POLL_TIMEOUT_S, retry_policy=_POLL_RETRIES) as client:
        provider_client = ProviderClient(FETCHERS[provider], access, client.request)
        for call_sid in call_sids:
            facts += [item for item in await provider_client.call(call_sid) if isinstance(item, Fact)]
    report = await import_facts(context.store, tenant, items=facts, deliver=True)
    return report.recorded
