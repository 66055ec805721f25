"""Many writers on one ledger: revisions stay gapless and in the order of commits, counters equal the rows."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import chain
from multiprocessing.synchronize import Barrier

import pytest

from calltally.calls.identity import Node
from calltally.store.backends.open import open_store
from calltally.store.db.interface import Store, Submission, SubmissionResult
from calltally.store.tenants.tenants import add_tenant, new_epoch
from calltally.store.verify.revisions import check_revisions
from tests.conftest import NOW_US
from tests.integration.store.probing import direct, verified
from tests.sample_facts import fact, own

WRITERS = 16
REQUESTS = 12
TENANTS = ("a-tenant", "b-tenant", "c-tenant", "d-tenant")
STATES = ("ringing", "in-progress", "completed", "busy")
BOTH_WITHIN_S = 60


@asynccontextmanager
async def stores(url: str, count: int) -> AsyncIterator[list[Store]]:
    opened = [open_store(url, lambda: NOW_US) for _ in range(count)]
    try:
        yield opened
    finally:
        for store in opened:
            await store.close()


def request(writer: int, number: int) -> list[Submission]:
    """Return facts of every tenant; half of the writers in reverse order, and two writers per call."""
    order = TENANTS if writer % 2 else TENANTS[::-1]
    sid = f"CA{writer // 2:016x}{number % 4:016x}"
    reported = fact(number, sid, status=STATES[(writer + number) % 4], mapped_route=f"route-{writer % 3}")
    linked = own(number, f"own-{writer}", links=(Node(sid, is_carrier=True),) if number == 7 else ())
    return [Submission(tenant, each) for tenant in order for each in (reported, linked)]


async def write(store: Store, writer: int) -> list[SubmissionResult]:
    """Send one request after the other, then the first ones again."""
    numbers = [*range(REQUESTS), *range(3)]
    return list(chain.from_iterable([await store.submit(request(writer, number)) for number in numbers]))


async def look(store: Store, writing: "asyncio.Future[list[list[SubmissionResult]]]") -> int:
    """Check all revisions repeatedly until the writers are done; return the number of checks."""
    looks = 0
    highest = dict.fromkeys(TENANTS, 0)
    while not writing.done():
        for tenant in TENANTS:
            # One state of the database: all revisions below its highest one must exist.
            checked = await store.read(check_revisions(tenant))
            assert checked.findings == []
            assert checked.rows_read >= highest[tenant]
            highest[tenant] = checked.rows_read
            looks += 1
            # A read of SQLite returns without yielding to other tasks.
            await asyncio.sleep(0)
    return looks


async def crowd(url: str, *, each_with_a_store: bool) -> None:
    async with stores(url, WRITERS + 1 if each_with_a_store else 1) as [reader, *others]:
        writers = others or [reader] * WRITERS
        for tenant in TENANTS:
            await reader.write(add_tenant(tenant, tenant, NOW_US, new_epoch()))
        writing = asyncio.gather(*(write(store, number) for number, store in enumerate(writers)))
        looks = await look(reader, writing)
        recorded = await writing
        assert looks > len(TENANTS)
        reported = await verified(reader, *TENANTS)
        assert reported.findings == []
        facts = {(each.tenant, each.fact.call_sid, each.fact.key) for each in _all_requests()}
        assert reported.rows_read["facts"] == len(facts)
        applied = [each for each in chain.from_iterable(recorded) if each.outcome != "duplicate"]
        assert len(applied) == len(facts)


def _all_requests() -> list[Submission]:
    return [
        each for writer in range(WRITERS) for number in range(REQUESTS) for each in request(writer, number)
    ]


@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
def test_sixteen_writers_leave_no_gap_and_no_deadlock(new_database: Callable[[], str]) -> None:
    url = new_database()
    asyncio.run(crowd(url, each_with_a_store=True))
    with direct(url) as db:
        assert db("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
        assert db(
            "SELECT count(*) FROM calls AS a JOIN calls AS b USING (tenant, revision) WHERE a.id < b.id"
        ) == [(0,)]


def test_readers_see_no_partial_commit(new_database: Callable[[], str]) -> None:
    asyncio.run(crowd(new_database(), each_with_a_store=False))


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_two_processes_write_one_file(new_database: Callable[[], str]) -> None:
    url = new_database()
    context = multiprocessing.get_context("spawn")
    both = context.Barrier(2)
    asyncio.run(_add_tenants(url))
    processes = [context.Process(target=write_in_process, args=(url, first, both)) for first in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(BOTH_WITHIN_S)
    assert [process.exitcode for process in processes] == [0, 0]
    asyncio.run(_check_file(url))


def write_in_process(url: str, first: int, both: Barrier) -> None:
    """Run every second writer on one store in a separate process, once both processes are ready."""

    async def work() -> None:
        async with stores(url, 1) as [store]:
            both.wait(BOTH_WITHIN_S)
            await asyncio.gather(*(write(store, writer) for writer in range(first, WRITERS, 2)))

    asyncio.run(work())


async def _add_tenants(url: str) -> None:
    async with stores(url, 1) as [store]:
        for tenant in TENANTS:
            await store.write(add_tenant(tenant, tenant, NOW_US, new_epoch()))


async def _check_file(url: str) -> None:
    async with stores(url, 1) as [store]:
        reported = await verified(store, *TENANTS)
    assert reported.findings == []
    facts = {(each.tenant, each.fact.call_sid, each.fact.key) for each in _all_requests()}
    assert reported.rows_read["facts"] == len(facts)
    with direct(url) as db:
        [(repeats,)] = db("SELECT sum(repeats) FROM facts")
    assert repeats == WRITERS * 3 * len(TENANTS) * 2
