"""Lists as the tests walk through them: page by page, and what each page held."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from calltally.store.backends.open import open_store
from calltally.store.maintenance.erasure import erase_call
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct
from tests.integration.web.service import LIST, Service

Json = dict[str, Any]


def page(service: Service, query: str = "", headers: Mapping[str, str] | None = None) -> Json:
    """One page of the list, which must succeed."""
    answer = service.get(f"{LIST}?{query}", headers)
    assert answer.status_code == 200, answer.text
    listed: Json = answer.json()
    return listed


def sids(listed: Json) -> list[str]:
    return [call["call_sid"] for call in listed["data"]]


def ids(listed: Json) -> list[str]:
    return [call["id"] for call in listed["data"]]


def walked(service: Service, query: str = "", limit: int = 3) -> list[Json]:
    """Every row that a client gets which adds up its offset until a page is empty."""
    rows: list[Json] = []
    offset = 0
    while data := page(service, f"{query}&limit={limit}&offset={offset}")["data"]:
        rows += data
        offset += limit
    return rows


def erase(bench: Bench, id_or_sid: str, tenant: str = TENANT) -> bool:
    """Forget a call; says whether it was there still."""
    return bench.run(bench.store.write(erase_call(tenant, id_or_sid, NOW_US)))


def alter_head(bench: Bench, change: str, tenant: str = TENANT) -> None:
    """Do to the row of a ledger what only a restore or the passing of days does."""
    with direct(bench.url) as db:
        db(f"UPDATE ledger_heads SET {change} WHERE tenant = ?", tenant)


def as_part(name: str) -> str:
    """A SID as a part of a path."""
    return quote(name, safe="").replace(".", "%2E")


@contextmanager
def beside(service: Service) -> Iterator[Service]:
    """Another service on the same database, with a store of its own, as another process has one."""
    bench = service.bench
    store = open_store(bench.url, lambda: bench.now_us)
    try:
        yield Service(bench, store=store)
    finally:
        bench.run(store.close())
