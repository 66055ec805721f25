"""Limits of a store: the largest facts, the longest requests and the longest WAL."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
import pytest

from calltally.calls.events import Fact
from calltally.calls.filters import CallFilter
from calltally.calls.identity import Node
from calltally.calls.list_query import ListQuery
from calltally.store.backends.group_commit import MAX_FACTS_PER_COMMIT
from calltally.store.backends.open import open_store
from calltally.store.backends.sqlite import checkpoints
from calltally.store.db.interface import Submission
from calltally.store.listing.list_calls import list_calls
from calltally.store.tenants.tenants import MAX_TENANT_CHARS, add_tenant, new_epoch
from tests.conftest import NOW_US, TENANT, Bench, records_of
from tests.integration.store.probing import found, listed, submit, verdict
from tests.sample_facts import fact, own

MAX_CHARS = 200
CAP_PAGES = 100


def wide(characters: int, luck: Random) -> str:
    """Return incompressible text of four bytes per character."""
    return "".join(chr(luck.randint(0x10000, 0x1FFFF)) for _ in range(characters))


def widest(luck: Random) -> Fact:
    """Return an own event with the longest texts that the contract allows."""
    named = ("route", "agent", "provider", "provider_account", "session_id", "end_reason")
    words = {name: wide(MAX_CHARS, luck) for name in named}
    numbers = {name: wide(128, luck) for name in ("from_number", "to_number")}
    reported = own(
        1,
        wide(MAX_CHARS, luck),
        event_id=wide(MAX_CHARS, luck),
        links=(Node(wide(MAX_CHARS, luck), is_carrier=True),),
        escalated=True,
        summary=wide(32_768, luck),
        tags=[wide(100, luck) for _ in range(100)],
    )
    stated = {**reported.stated, **words, **numbers}
    return msgspec.structs.replace(
        reported, provider=words["provider"], stated=stated, raw=wide(50_000, luck).encode()
    )


def test_largest_call_can_be_stored_found_and_listed(bench: Bench) -> None:
    """A key of over 2,704 bytes does not fit into an index of PostgreSQL and would fail the commit."""
    luck = Random(3)
    tenant = bench.add_tenant("t" * MAX_TENANT_CHARS)
    first, second = widest(luck), widest(luck)
    submit(
        bench,
        first,
        second,
        own(2, first.call_sid, status="busy", route=wide(MAX_CHARS, luck)),
        tenant=tenant,
    )
    assert verdict(bench, tenant).findings == []
    assert len(listed(bench, tenant)) == 2
    call = found(bench, first.call_sid, tenant)
    assert call is not None
    for name, value in (("agent", call["agent"]), ("route", call["route"]), ("number", call["to_number"])):
        query = ListQuery(filter=msgspec.structs.replace(CallFilter(), **{name: value}))
        page = bench.run(bench.store.read(list_calls(tenant, query)))
        assert records_of(page) == [call]


def test_request_of_several_commits_answers_in_order(bench: Bench) -> None:
    count = 2 * MAX_FACTS_PER_COMMIT + 1
    reported = [own(number, f"call-{number % 50}", summary=f"{number}") for number in range(count)]
    recorded = submit(bench, *reported, reported[0])
    assert [each.outcome for each in recorded] == ["applied"] * count + ["duplicate"]
    for each, of in zip(recorded, reported, strict=False):
        call = found(bench, of.call_sid)
        assert call is not None
        assert (each.call_id or b"").hex() == call["id"].replace("-", "")
    assert verdict(bench).is_clean


async def _write_during_reads(url: str, size_of_wal: Callable[[], int]) -> int:
    """Return the greatest length of the WAL while every commit had a concurrent reader."""
    store = open_store(url, lambda: NOW_US)
    await store.write(add_tenant(TENANT, "Acme", NOW_US, new_epoch()))
    longest = 0
    for number in range(150):
        reported = [Submission(TENANT, fact(number, f"CA{number:030x}{part:02x}")) for part in range(10)]
        reading = asyncio.create_task(store.read(list_calls(TENANT, ListQuery(limit=1000)), long=True))
        await store.submit(reported)
        longest = max(longest, size_of_wal())
        await reading
    await store.close()
    return longest


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_readers_do_not_let_the_wal_grow_without_limit(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cap_bytes = CAP_PAGES * 4096
    monkeypatch.setattr(checkpoints, "_CHECKPOINT_PAGES", CAP_PAGES // 2)
    monkeypatch.setattr(checkpoints, "_WAL_CAP_BYTES", cap_bytes)
    url = new_database()
    wal = Path(url.removeprefix("sqlite:///") + "-wal")
    longest = asyncio.run(_write_during_reads(url, lambda: wal.stat().st_size))
    assert cap_bytes // 2 < longest < 4 * cap_bytes
