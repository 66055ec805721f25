"""Rows of one tenant and hour are adjacent in SQLite's file, and nothing depends on their position."""

from random import Random
from typing import Any

import apsw
import pytest

from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.list_query import ListQuery
from calltally.calls.times import SECOND_US
from calltally.store.backends.open import sqlite_path
from calltally.store.db.interface import Submission
from calltally.store.db.statements import load
from calltally.store.ledger import sqlite_rowids
from calltally.store.ledger.sqlite_rowids import segment_of
from calltally.store.listing.list_calls import list_calls
from tests.conftest import NOW_US, Bench, records_of

on_sqlite = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

HOUR_US = 3_600 * SECOND_US
TENANTS = ("globex", "initech", "umbrella")


def reported(tenant: str, number: int, status: str = "ringing") -> Submission:
    """Return five calls per hour, a minute apart."""
    sid, at_us = f"CA{number:04}", NOW_US - 30 * HOUR_US + number // 5 * HOUR_US + number % 5 * 60 * SECOND_US
    stated: StatedFields = {"status": status, "direction": "inbound"}
    digest = content_digest([sid, status])
    return Submission(
        tenant, Fact(sid, Channel.CALLBACK, "twilio", "", status, None, at_us, NOW_US, digest, stated)
    )


def rows(bench: Bench) -> list[Any]:
    """Return all calls in the order of their row ids: (rowid, tenant, created_us)."""
    path = sqlite_path(bench.url)
    assert path is not None
    connection = apsw.Connection(str(path))
    try:
        return list(connection.execute("SELECT rowid, tenant, created_us FROM calls ORDER BY rowid"))
    finally:
        connection.close()


@on_sqlite
def test_rows_of_a_tenant_and_hour_are_adjacent_in_any_order_of_arrival(bench: Bench) -> None:
    for tenant in TENANTS:
        bench.add_tenant(tenant)
    facts = [reported(tenant, number) for number in range(40) for tenant in TENANTS]
    Random(7).shuffle(facts)
    for at in range(0, len(facts), 10):
        bench.run(bench.store.submit(facts[at : at + 10]))
    lie = rows(bench)
    # Eight hours of each tenant in sequence.
    runs = [position for position in range(1, len(lie)) if hour(lie[position]) != hour(lie[position - 1])]
    assert len(runs) + 1 == len(TENANTS) * 8
    assert [rowid - segment_of(tenant, at_us) for rowid, tenant, at_us in lie] == [1, 2, 3, 4, 5] * 24


def hour(row: Any) -> tuple[str, int]:  # noqa: ANN401 (a row as the driver has it)
    return row[1], row[2] // HOUR_US


@on_sqlite
def test_tenants_with_the_same_number_share_a_segment(bench: Bench, monkeypatch: Any) -> None:  # noqa: ANN401 (pytest's)
    monkeypatch.setattr(sqlite_rowids, "crc32", lambda _tenant: 1)
    sqlite_rowids._number_of.cache_clear()
    for tenant in TENANTS:
        bench.add_tenant(tenant)
        bench.run(bench.store.submit([reported(tenant, number) for number in range(5)]))
    sqlite_rowids._number_of.cache_clear()
    assert [tenant for _rowid, tenant, _at_us in rows(bench)] == [
        tenant for tenant in TENANTS for _ in range(5)
    ]
    for tenant in TENANTS:
        page = bench.run(bench.store.read(list_calls(tenant, ListQuery())))
        assert [call["call_sid"] for call in records_of(page)] == [
            f"CA{number:04}" for number in (4, 3, 2, 1, 0)
        ]


@on_sqlite
def test_rows_outside_their_segment_are_read_and_changed_without_a_move(bench: Bench) -> None:
    """The rows are those of an older release."""
    tenant = TENANTS[0]
    bench.add_tenant(tenant)
    bench.run(bench.store.submit([reported(tenant, number) for number in range(20)]))
    connection = apsw.Connection(str(sqlite_path(bench.url)))
    connection.execute(
        "UPDATE calls SET rowid = (SELECT count(*) FROM calls AS c WHERE c.rowid <= calls.rowid)"
    )
    connection.close()
    assert [rowid for rowid, *_ in rows(bench)] == list(range(1, 21))
    bench.run(bench.store.submit([reported(tenant, number, "busy") for number in range(25)]))
    lie = [rowid for rowid, *_ in rows(bench)]
    first = segment_of(tenant, NOW_US - 30 * HOUR_US + 4 * HOUR_US)
    assert lie == [*range(1, 21), *range(first + 1, first + 6)]
    calls = records_of(bench.run(bench.store.read(list_calls(tenant, ListQuery()))))
    assert [(call["call_sid"], call["status"]) for call in calls] == [
        (f"CA{number:04}", "busy") for number in reversed(range(25))
    ]


def test_statement_ends_a_segment_at_the_next_one() -> None:
    width = segment_of("acme", NOW_US + HOUR_US) - segment_of("acme", NOW_US)
    assert f"s.rowid < :segment + {width})" in load("sqlite")["put_calls"].sql


def test_segments_of_all_tenants_and_hours_fit_into_a_rowid() -> None:
    hours = {segment_of("acme", NOW_US + number * HOUR_US) for number in range(1_000)}
    assert len(hours) == 1_000
    for at_us in (0, NOW_US, 3_750_000_000 * SECOND_US):
        assert 0 <= segment_of("acme", at_us) < 2**63 - 2**31
