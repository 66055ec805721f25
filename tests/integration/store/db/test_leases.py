"""Leases: a job of a tenant has one holder at a time, across processes."""

import asyncio
from collections.abc import Callable

import pytest

from calltally.store.backends.open import open_store
from calltally.store.db.interface import Store
from calltally.store.db.leases import Lease, claim, release, renew
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct

A, B = Lease(TENANT, "history", "a"), Lease(TENANT, "history", "b")
FOR_US = 60_000_000
CLAIMANTS = 8
ROUNDS = 10


def claimed(bench: Bench, lease: Lease, now_us: int = NOW_US) -> bool:
    return bench.run(bench.store.write(claim(lease, now_us=now_us, until_us=now_us + FOR_US)))


def renewed(bench: Bench, lease: Lease, until_us: int) -> bool:
    return bench.run(bench.store.write(renew(lease, until_us)))


def test_one_of_two_holds_the_lease_until_it_expires(bench: Bench) -> None:
    assert claimed(bench, A)
    assert not claimed(bench, B)
    assert not claimed(bench, B, NOW_US + FOR_US - 1)
    assert claimed(bench, B, NOW_US + FOR_US)
    assert not claimed(bench, A, NOW_US + FOR_US)


def test_holder_may_claim_again(bench: Bench) -> None:
    assert claimed(bench, A)
    assert claimed(bench, A, NOW_US + 1)
    assert not claimed(bench, B, NOW_US + FOR_US)
    assert claimed(bench, B, NOW_US + FOR_US + 1)


def test_renewal_extends_the_lease(bench: Bench) -> None:
    claimed(bench, A)
    assert renewed(bench, A, NOW_US + 3 * FOR_US)
    assert not claimed(bench, B, NOW_US + 3 * FOR_US - 1)
    assert not renewed(bench, B, NOW_US + 9 * FOR_US)
    assert claimed(bench, B, NOW_US + 3 * FOR_US)
    assert not renewed(bench, A, NOW_US + 9 * FOR_US)


def test_only_the_holder_releases_the_lease_at_once(bench: Bench) -> None:
    claimed(bench, A)
    bench.run(bench.store.write(release(B)))
    assert not claimed(bench, B)
    bench.run(bench.store.write(release(A)))
    assert not renewed(bench, A, NOW_US + FOR_US)
    assert claimed(bench, B)


def test_leases_of_jobs_and_tenants_are_independent(bench: Bench) -> None:
    other = bench.new_tenant()
    leases = [A, B._replace(tenant=other), B._replace(job="retention")]
    assert [claimed(bench, lease) for lease in leases] == [True, True, True]


@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
def test_one_of_eight_stores_gets_the_lease(new_database: Callable[[], str]) -> None:
    asyncio.run(_crowd(new_database(), is_separate=True))


def test_one_of_eight_claims_on_one_store_gets_the_lease(new_database: Callable[[], str]) -> None:
    asyncio.run(_crowd(new_database(), is_separate=False))


async def _crowd(url: str, *, is_separate: bool) -> None:
    """Let all claim at once, repeatedly, just when the previous lease expires."""
    stores = [open_store(url, lambda: NOW_US) for _ in range(CLAIMANTS if is_separate else 1)]
    try:
        holders = [await _round(stores, NOW_US + number * FOR_US) for number in range(ROUNDS)]
    finally:
        for store in stores:
            await store.close()
    with direct(url) as db:
        assert db("SELECT holder, until_us FROM leases") == [(holders[-1], NOW_US + ROUNDS * FOR_US)]


async def _round(stores: list[Store], now_us: int) -> str:
    leases = [Lease(TENANT, "history", f"holder-{number}") for number in range(CLAIMANTS)]
    took = await asyncio.gather(
        *(
            stores[number % len(stores)].write(claim(lease, now_us=now_us, until_us=now_us + FOR_US))
            for number, lease in enumerate(leases)
        )
    )
    (holder,) = (lease.holder for lease, is_ours in zip(leases, took, strict=True) if is_ours)
    return holder
