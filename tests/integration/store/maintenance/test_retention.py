"""Retention: calls above a certain age are erased, oldest first, per tenant."""

import pytest

from calltally.calls.errors import NotFound
from calltally.calls.events import IngestOutcome
from calltally.calls.times import DAY_US
from calltally.store.maintenance.retention import expire_calls
from calltally.store.snapshots.change_feed import changes_after
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.maintenance.test_erasure import SID, holders, ledger_head, record_calls
from tests.integration.store.probing import direct, listed, submit, verdict
from tests.sample_facts import START_US, fact


def keep_for(bench: Bench, days: int | None, tenant: str = TENANT) -> None:
    with direct(bench.url) as db:
        db("UPDATE tenants SET retention_days = ? WHERE tenant = ?", days, tenant)


def expire(bench: Bench, now_us: int, most: int = 100, tenant: str = TENANT) -> int:
    return bench.run(bench.store.write(expire_calls(tenant, now_us, most)))


def test_expired_calls_are_erased_oldest_first_in_batches(bench: Bench) -> None:
    submit(
        bench,
        *(fact(60 * number, f"CA{number:032x}", status="busy", summary="Said.") for number in range(10)),
    )
    keep_for(bench, 3)
    # Seven calls began before that time, the eighth at it.
    now_us = START_US + 3 * DAY_US + 7 * 60_000_000
    counts: list[int] = []
    while not counts or counts[-1]:
        counts.append(expire(bench, now_us, most=3))
        assert verdict(bench).findings == []
    assert counts == [3, 3, 1, 0]
    left = [call["call_sid"] for call in listed(bench)]
    assert left == [f"CA{number:032x}" for number in (9, 8, 7)]
    reported = bench.run(bench.store.read(changes_after(TENANT, 10, 100))).documents
    assert [b'"tombstone":"expired"' in each for each in reported] == [True] * 7
    assert ledger_head(bench).erasures == 7
    assert holders(bench, *(f"CA{number:032x}" for number in range(7))) == set()


def test_expired_call_is_not_recorded_again(bench: Bench) -> None:
    submit(bench, fact(1, SID, status="busy"))
    keep_for(bench, 1)
    expire(bench, NOW_US)
    (again,) = submit(bench, fact(1, SID, status="busy"))
    assert again.outcome == IngestOutcome.REFUSED
    assert listed(bench) == []


@pytest.mark.parametrize("days", [None, 10_000])
def test_nothing_expires_within_the_retention(bench: Bench, days: int | None) -> None:
    record_calls(bench)
    keep_for(bench, days)
    before = listed(bench)
    assert expire(bench, NOW_US) == 0
    assert listed(bench) == before


def test_retention_is_per_tenant(bench: Bench) -> None:
    bench.add_tenant("bolt")
    for tenant in (TENANT, "bolt"):
        submit(bench, fact(1, SID, status="busy"), tenant=tenant)
    keep_for(bench, 1)
    assert (expire(bench, NOW_US), expire(bench, NOW_US, tenant="bolt")) == (1, 0)
    assert (listed(bench), len(listed(bench, "bolt"))) == ([], 1)
    with pytest.raises(NotFound):
        expire(bench, NOW_US, tenant="nobody")
