"""Locked ledgers: a frozen node or a forgotten transaction delays one tenant, and no other for long."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from calltally.calls.errors import NothingCommitted, Unavailable
from calltally.calls.events import IngestOutcome
from calltally.store.backends import group_commit
from calltally.store.backends.postgres import pool
from calltally.store.backends.postgres.executor import PipelineExecutor
from calltally.store.backends.postgres.session_settings import (
    COMMIT_TIMEOUT_S,
    IDLE_IN_TRANSACTION_S,
    LOCK_TIMEOUT_S,
    SET_SESSION,
)
from calltally.store.backends.postgres.store import PostgresStore
from calltally.store.backends.postgres.wire import BoundStatement
from calltally.store.backends.write_readiness import check_writer, try_write
from calltally.store.db.interface import LedgerLocked, Submission
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.db.statements import Statements
from calltally.store.ledger.record import record
from calltally.store.tenants.tenants import add_tenant, new_epoch
from tests.conftest import NOW_US
from tests.integration.store.cutting import Cut, cutting
from tests.integration.store.probing import direct
from tests.sample_facts import fact

pytestmark = pytest.mark.parametrize("new_database", ["postgres"], indirect=True)

# Only a hanging test takes so long.
WITHIN_S = 60
TENANTS = ("acme", "globex")
OURS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'calltally'"
OF_HEAD = "SELECT revision FROM ledger_heads WHERE tenant = ? FOR UPDATE"


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeouts, in the order of the real ones."""
    assert IDLE_IN_TRANSACTION_S < LOCK_TIMEOUT_S < COMMIT_TIMEOUT_S < 10
    params = {**SET_SESSION.params, "idle": "300ms", "lock": "1s"}
    monkeypatch.setattr(pool, "SET_SESSION", SET_SESSION._replace(params=params))
    monkeypatch.setattr("calltally.store.backends.postgres.store.IDLE_IN_TRANSACTION_S", 0.3)


def run(work: Coroutine[Any, Any, None]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(WITHIN_S):
            await work

    asyncio.run(in_time())


class Clock:
    """Clock that a test sets."""

    def __init__(self) -> None:
        self.now_us = NOW_US

    def __call__(self) -> int:
        return self.now_us


@asynccontextmanager
async def opened(url: str, clock: Callable[[], int] = lambda: NOW_US) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, clock)
    try:
        yield store
    finally:
        await store.close()


async def add_tenants(store: PostgresStore) -> None:
    for tenant in TENANTS:
        await store.write(add_tenant(tenant, tenant, NOW_US, new_epoch()))


async def submit(store: PostgresStore, tenant: str, sid: str) -> None:
    [recorded] = await store.submit([Submission(tenant, fact(1, sid))])
    assert recorded.outcome is IngestOutcome.APPLIED


async def run_loop_once() -> None:
    """Let the event loop process input."""
    await asyncio.sleep(0)


def lock_and_wait() -> StoreOperation[None]:
    yield StatementMany("lock_heads", [{"tenant": tenant} for tenant in TENANTS])
    for _ in range(3):
        yield Statement("meta_schema_version", {})


def test_frozen_node_loses_its_locks_and_others_write(url: str) -> None:
    """The node stays connected, and the server waits for its next statement."""

    async def work() -> None:
        async with cutting(url) as proxy, opened(url) as other, opened(proxy.url) as frozen:
            await add_tenants(other)
            await frozen.write(try_write(frozen))
            # BEGIN and the lock, their responses and three for the Sync: then the node says nothing more.
            proxy.cut_at(12, Cut.FREEZE)
            silent = asyncio.create_task(frozen.write(lock_and_wait()))
            with direct(url) as db:
                while not db(f"{OURS} AND state = 'idle in transaction'"):
                    await run_loop_once()
            for number, tenant in enumerate(TENANTS):
                await submit(other, tenant, f"CA{number}")
            await proxy.close()
            with pytest.raises(Unavailable):
                await silent

    run(work())


def test_silent_node_in_the_middle_of_a_batch_is_ended_by_another(url: str) -> None:
    """The server has no timeout of its own before the end of a batch."""
    lock = StatementMany("lock_heads", [{"tenant": tenant} for tenant in TENANTS])

    async def work() -> None:
        async with opened(url) as store:
            await add_tenants(store)
            connection = await pool.connect(url)
            connection.queue(BoundStatement("BEGIN READ WRITE", {}))
            await PipelineExecutor(connection, Statements("postgres"))(lock)
            for number, tenant in enumerate(TENANTS):
                await submit(store, tenant, f"CA{number}")
            while not connection.is_broken:
                await run_loop_once()

    run(work())


def test_transaction_that_waits_for_its_node_too_long_is_unavailable(url: str) -> None:
    """As a node that was frozen and goes on: the server has ended its connection meanwhile."""

    def operation() -> StoreOperation[None]:
        yield Statement("meta_schema_version", {})
        with direct(url) as db:
            while db(OURS):
                pass
        yield Statement("meta_schema_version", {})

    async def work() -> None:
        async with opened(url) as store:
            await add_tenants(store)
            with pytest.raises(Unavailable):
                await store.write(operation())
            await submit(store, "acme", "CA1")

    run(work())


def test_facts_of_a_transaction_that_took_too_long_are_committed_one_by_one(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request whose facts take too long to fold must not fail others, and neither must a frozen node's."""

    def record_slowly(submissions: Sequence[Submission], now_us: int) -> StoreOperation[Any]:
        yield Statement("meta_schema_version", {})
        with direct(url) as db:
            while len(submissions) > 1 and db(OURS):
                pass
        return (yield from record(submissions, now_us))

    monkeypatch.setattr(group_commit, "record", record_slowly)

    async def work() -> None:
        async with opened(url) as store:
            await add_tenants(store)
            await asyncio.gather(*(submit(store, tenant, "CA1") for tenant in TENANTS))

    run(work())


def test_locked_ledger_is_left_out_and_others_are_committed(url: str) -> None:
    async def work() -> None:
        clock = Clock()
        async with opened(url, clock) as store:
            await add_tenants(store)
            with direct(url) as db:
                db("BEGIN")
                db(OF_HEAD, "acme")
                for at in range(3):
                    results = await asyncio.gather(
                        *(submit(store, tenant, f"CA{at}") for tenant in TENANTS), return_exceptions=True
                    )
                    assert [type(each) for each in results] == [LedgerLocked, type(None)]
                db("ROLLBACK")
            for tenant in TENANTS:
                await submit(store, tenant, "CA9")

    run(work())


def test_node_that_commits_nothing_for_a_locked_ledger_is_not_ready(url: str) -> None:
    async def work() -> None:
        clock = Clock()
        async with opened(url, clock) as store:
            await add_tenants(store)
            with direct(url) as db:
                db("BEGIN")
                db(OF_HEAD, "acme")
                with pytest.raises(Unavailable):
                    await submit(store, "acme", "CA1")
                clock.now_us += 6_000_000
                with pytest.raises(NothingCommitted):
                    await check_writer(store)
                # Another tenant's facts are committed.
                await submit(store, "globex", "CA1")
                await check_writer(store)
                with pytest.raises(Unavailable):
                    await submit(store, "acme", "CA1")
                db("ROLLBACK")
            clock.now_us += 6_000_000
            await check_writer(store)
            await submit(store, "acme", "CA1")

    run(work())


def test_commit_without_a_response_is_given_up_with_all_that_wait(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresStore, "commit_timeout_s", 3.0)

    async def work() -> None:
        async with cutting(url) as proxy, opened(proxy.url) as store:
            await add_tenants(store)
            proxy.cut_at(9, Cut.FREEZE)
            first = asyncio.create_task(submit(store, "acme", "CA1"))
            while not proxy.cuts:
                await run_loop_once()
            waiting = [asyncio.create_task(submit(store, tenant, "CA2")) for tenant in TENANTS]
            operation = asyncio.create_task(store.write(try_write(store)))
            results = await asyncio.gather(first, *waiting, return_exceptions=True)
            assert {type(each) for each in results} == {Unavailable}
            await operation
            await submit(store, "acme", "CA3")

    run(work())
