"""Helpers that page through lists."""

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
    """Return one page of the list, which must succeed."""
    answer = service.get(f"{LIST}?{query}", headers)
    assert answer.status_code == 200, answer.text
    listed: Json = answer.json()
    return listed


def sids(listed: Json) -> list[str]:
    return [call["call_sid"] for call in listed["data"]]


def ids(listed: Json) -> list[str]:
    return [call["id"] for call in listed["data"]]


def walk(service: Service, query: str = "", limit: int = 3) -> list[Json]:
    """Return every row, by increasing the offset until a page is empty."""
    rows: list[Json] = []
    offset = 0
    while data := page(service, f"{query}&limit={limit}&offset={offset}")["data"]:
        rows += data
        offset += limit
    return rows


def erase(bench: Bench, id_or_sid: str, tenant: str = TENANT) -> bool:
    """Erase a call. Return whether it existed."""
    return bench.run(bench.store.write(erase_call(tenant, id_or_sid, NOW_US)))


def alter_head(bench: Bench, change: str, tenant: str = TENANT) -> None:
    """Change a ledger row as only a restore or the passage of time does."""
    with direct(bench.url) as db:
        db(f"UPDATE ledger_heads SET {change} WHERE tenant = ?", tenant)


def path_segment(name: str) -> str:
    """Encode a SID as a path segment."""
    return quote(name, safe="").replace(".", "%2E")


@contextmanager
def another_service(service: Service) -> Iterator[Service]:
    """Return another service on the same database, with its own store, like another process."""
    bench = service.bench
    store = open_store(bench.url, lambda: bench.now_us)
    try:
        yield Service(bench, store=store)
    finally:
        bench.run(store.close())
