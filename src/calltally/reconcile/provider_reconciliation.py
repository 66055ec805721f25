"""Our calls against what a provider says, from the question to the report: for commands and for jobs."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from random import SystemRandom
from typing import Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import InvalidInput, Misconfigured
from calltally.calls.events import Door, Fact
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.times import DAY_US, EARLIEST_US
from calltally.calls.windows import LAST_US, Window
from calltally.exports.window import Window as Listing
from calltally.exports.window import first_chunk
from calltally.external_sort import MEMORY_BYTES
from calltally.ingest.imports import ImportReport, import_facts
from calltally.net import RetryingClient
from calltally.providers.callback import Refusal, Source
from calltally.providers.list_requests import Access, Started
from calltally.providers.provider import Kind, ListFacts
from calltally.providers.registry import FETCHES, PROVIDERS, RECORDS
from calltally.reconcile.against_provider import Terms
from calltally.reconcile.findings import Finding
from calltally.reconcile.heal import Healer
from calltally.reconcile.provider_client import Asking
from calltally.reconcile.provider_run import Items, Means, ProviderReport, ProviderRun
from calltally.reconcile.recheck import Recheck
from calltally.store.db.interface import Store
from calltally.store.listing.list_calls import list_calls
from calltally.store.tenants.tenants import need_tenant
from calltally.store.tenants.vault import Vault, find_provider_secrets

_ITEMS: Final = 1_000
Told: TypeAlias = Callable[[Finding], None]


def untold(_finding: Finding) -> None:
    """Nothing: the report has it."""


class Question(msgspec.Struct, frozen=True):
    """What is compared, how closely, and what is to come of it. `files` stand in place of the API's list.

    Our side is of the ledger's revision `at_least`, or of a later one.
    """

    tenant: str
    provider: str
    window: Window
    files: tuple[Path, ...] = ()
    heal: bool = False
    deliver: bool = False
    tolerance_s: int = 1
    open_limit_us: int = DAY_US
    most: int | None = None
    at_least: int = 0


class Place(NamedTuple):
    """From where a provider is asked: the store with its secrets, and the address of each provider's API.

    `open_vault` is asked only where there is something to open.
    """

    store: Store
    open_vault: Callable[[], Vault]
    api_urls: Mapping[str, str]


class Room(NamedTuple):
    """What a run may use: a folder for what it sorts (None: the system's own), and memory."""

    folder: Path | None = None
    memory_bytes: int = MEMORY_BYTES


_ROOM: Final = Room()


async def compare(
    place: Place, question: Question, now_us: int, *, told: Told = untold, room: Room = _ROOM
) -> ProviderReport:
    """One run; `told` hears each finding as it is confirmed.

    Raises NotFound, Misconfigured, Unavailable and InvalidInput; what was healed by then stays.
    """
    _check_provider(question)
    await place.store.read(need_tenant(question.tenant))
    async with RetryingClient(SystemRandom().random) as client:
        access = await _access(place, question, now_us)
        asking = _asking(question, access, client)
        terms = _terms(question, now_us, asking.account if asking else None)
        if question.files or asking is None:
            account = access.secrets.get(PROVIDERS[question.provider].account_name, "")
            source = Source(Door.IMPORT, now_us, account)
            theirs = _file_items(RECORDS[question.provider], question.files, source)
        else:
            theirs = asking.pages(_started(terms))
        means = replace(_means(place.store, question, asking), told=told, **room._asdict())
        return await ProviderRun(terms, means).run(_ours(place.store, question, terms), theirs)


def _check_provider(question: Question) -> None:
    name = question.provider
    if name not in PROVIDERS:
        message = f"there is no provider {name[:64]!r}; there are {', '.join(PROVIDERS)}"
        raise InvalidInput.of("provider", message)
    if question.files and name not in RECORDS:
        message = f"no files of {name} are read; there are those of {', '.join(RECORDS)}"
        raise InvalidInput.of("provider-file", message)
    if not question.files and name not in FETCHES:
        message = f"{name} has no list to ask for; name a file of it, or one of {', '.join(FETCHES)}"
        raise InvalidInput.of("provider", message)


async def _access(place: Place, question: Question, now_us: int) -> Access:
    name = question.provider
    sealed = await place.store.read(find_provider_secrets(question.tenant, name))
    secrets = {} if sealed is None else place.open_vault().open(question.tenant, name, sealed)
    return Access(place.api_urls.get(name, ""), secrets, now_us)


def _asking(question: Question, access: Access, client: RetryingClient) -> Asking | None:
    """Who asks the provider; None where there is a file instead, and nothing to sign in with."""
    provider = FETCHES.get(question.provider)
    if provider is None:
        return None
    try:
        provider.account_of(access.secrets)
    except Misconfigured:
        if not question.files:
            raise
        return None
    return Asking(provider, access, client.request)


def _terms(question: Question, now_us: int, account: str | None) -> Terms:
    return Terms(
        provider=question.provider,
        account=account,
        from_us=question.window.from_us,
        to_us=question.window.to_us,
        now_us=now_us,
        tolerance_s=question.tolerance_s,
        open_limit_us=question.open_limit_us,
        by_platform=PROVIDERS[question.provider].kind is Kind.PLATFORM,
    )


def _started(terms: Terms) -> Started:
    """The window and its margins, as far as there can be calls and a time can be written."""
    from_us, to_us = terms.from_us - terms.margin_us, terms.to_us + terms.margin_us
    return Started(max(from_us, EARLIEST_US), max(min(to_us, LAST_US), EARLIEST_US))


def _means(store: Store, question: Question, asking: Asking | None) -> Means:
    async def bring(facts: Sequence[Fact]) -> ImportReport:
        return await import_facts(store, question.tenant, told=facts, deliver=question.deliver)

    return Means(
        recheck=Recheck(store, question.tenant, asking.call if asking else None),
        healer=Healer(bring) if question.heal else None,
        most=question.most,
        is_file=bool(question.files),
    )


async def _ours(store: Store, question: Question, terms: Terms) -> AsyncGenerator[bytes]:
    """Our calls of the window and its margins as of one snapshot, whoever reported them."""
    tenant, started = question.tenant, _started(terms)
    calls = CallFilter(from_us=started.from_us, to_us=started.to_us)
    query = first_chunk(ListQuery(filter=calls, order="asc"), None)
    first = await store.read_tenant(
        tenant, lambda: list_calls(tenant, query), at_least=question.at_least, long=True
    )
    async with aclosing(Listing(store, tenant, query, first).chunks()) as chunks:
        async for records in chunks:
            yield records


async def _file_items(
    list_facts: ListFacts, paths: tuple[Path, ...], source: Source
) -> AsyncGenerator[Items]:
    """What the files tell, as `calltally import` reads them; a refusal says which file it is of."""
    for path in paths:
        with path.open("rb") as file:
            told = list_facts(file, source)
            while items := list(islice(told, _ITEMS)):
                yield [_placed(item, path) for item in items]


def _placed(item: Fact | Refusal, path: Path) -> Fact | Refusal:
    if isinstance(item, Fact):
        return item
    return replace(item, position=f"{path.name}: {item.position}")
