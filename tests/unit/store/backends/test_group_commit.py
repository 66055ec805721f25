"""Group commit: queued requests share a transaction, and every request gets its own result."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from calltally.calls.errors import Conflict, NotFound, Unavailable
from calltally.calls.events import IngestOutcome
from calltally.calls.identity import call_uuid
from calltally.calls.times import SECOND_US
from calltally.store.backends.group_commit import MAX_FACTS_PER_COMMIT, GroupCommitWriter
from calltally.store.backends.write_readiness import try_write
from calltally.store.db.interface import LedgerLocked, Submission
from calltally.store.db.operation import (
    AnyStatement,
    Batch,
    Rows,
    Statement,
    StatementMany,
    StoreOperation,
    run_operation,
)
from tests.sample_facts import fact

T = TypeVar("T")
WAITS_AT_MOST_S = 10


class Database:
    """Fake database with one tenant. It stores nothing and can be blocked."""

    def __init__(self) -> None:
        self.entered, self.is_released = asyncio.Event(), asyncio.Event()
        self.is_released.set()
        self.transactions: list[list[str]] = []
        self.is_down = False
        self.locked: set[str] = set()

    def hold(self) -> None:
        self.entered.clear()
        self.is_released.clear()

    async def transact(self, operation: StoreOperation[T]) -> T:
        self.entered.set()
        await asyncio.wait_for(self.is_released.wait(), WAITS_AT_MOST_S)
        self.transactions.append([])
        if self.is_down:
            operation.close()
            raise Unavailable("down")
        return run_operation(operation, self._execute)

    def _execute(self, request: AnyStatement | Batch) -> Rows:
        assert not isinstance(request, Batch)
        self.transactions[-1].append(request.name)
        if request.name == "lock_heads" and isinstance(request, StatementMany):
            tenants = {row["tenant"] for row in request.rows}
            if tenants & self.locked:
                raise LedgerLocked("locked")
            return [(tenant, 0, "e" * 32) for tenant in sorted(tenants & {"acme", "globex"})]
        return []


class Bench:
    """Writer on the fake database; requests that are queued while it is blocked form one batch."""

    def __init__(self) -> None:
        self.database = Database()
        self.writer = GroupCommitWriter(self.database.transact, lambda: 0)

    async def run_blocked(self, *requests: Coroutine[Any, Any, Any], queued: int | None = None) -> list[Any]:
        """Queue requests behind a running one, then unblock. Returns results and errors."""
        self.database.hold()
        first = asyncio.create_task(self.writer.write(_nothing()))
        await asyncio.wait_for(self.database.entered.wait(), WAITS_AT_MOST_S)
        tasks = [asyncio.create_task(request) for request in requests]
        # Each task queues its request as soon as it runs.
        await asyncio.sleep(0)
        assert self.writer.queued_writes == (queued or len(tasks))
        self.database.is_released.set()
        await asyncio.gather(first, return_exceptions=True)
        del self.database.transactions[0]
        return await asyncio.gather(*tasks, return_exceptions=True)


def _nothing() -> StoreOperation[None]:
    return
    yield


def _returns(word: str) -> StoreOperation[str]:
    yield Statement(word, {})
    return word


def _fails() -> StoreOperation[None]:
    yield Statement("tried", {})
    raise Conflict("no")


def of(*sids: str, tenant: str = "acme") -> list[Submission]:
    return [Submission(tenant, fact(1, sid)) for sid in sids]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_queued_requests_share_a_transaction_and_results_keep_order() -> None:
    async def work() -> None:
        bench = Bench()
        requests = [("a", "b"), ("c",), ("d", "a", "e")]
        results = await bench.run_blocked(*(bench.writer.submit(of(*sids)) for sids in requests))
        assert [[each.call_id for each in recorded] for recorded in results] == [
            [call_uuid("acme", sid) for sid in sids] for sids in requests
        ]
        assert results[2][1].outcome == IngestOutcome.DUPLICATE
        assert len(bench.database.transactions) == 1
        await bench.writer.close()

    run(work())


def test_invalid_request_fails_alone() -> None:
    async def work() -> None:
        bench = Bench()
        results = await bench.run_blocked(
            bench.writer.submit(of("a")),
            bench.writer.submit(of("b", tenant="nobody")),
            bench.writer.submit(of("c")),
        )
        assert [each.call_id for recorded in (results[0], results[2]) for each in recorded] == [
            call_uuid("acme", "a"),
            call_uuid("acme", "c"),
        ]
        assert isinstance(results[1], NotFound)
        await bench.writer.close()

    run(work())


def test_each_distributed_tenant_has_its_own_transaction() -> None:
    async def work() -> None:
        bench = Bench()
        bench.writer.per_tenant = True
        results = await bench.run_blocked(
            bench.writer.submit(of("a")),
            bench.writer.submit(of("b", tenant="nobody")),
            bench.writer.submit([*of("c"), *of("d", tenant="nobody"), *of("e", "f")]),
            queued=5,
        )
        assert [each.call_id for each in results[0]] == [call_uuid("acme", "a")]
        assert [type(each) for each in results[1:]] == [NotFound, NotFound]
        # One for acme, and three for the unknown tenant: first all together, then each alone.
        assert len(bench.database.transactions) == 4
        results = await bench.run_blocked(
            bench.writer.submit([*of("c"), *of("d", "a"), *of("e")]), bench.writer.submit(of("g")), queued=2
        )
        assert [each.call_id for each in results[0]] == [
            call_uuid("acme", sid) for sid in ("c", "d", "a", "e")
        ]
        await bench.writer.close()

    run(work())


def test_operations_have_their_own_transactions_and_never_run_twice() -> None:
    async def work() -> None:
        bench = Bench()
        results = await bench.run_blocked(
            bench.writer.write(_returns("one")),
            bench.writer.submit(of("a")),
            bench.writer.write(_fails()),
            bench.writer.write(_returns("two")),
        )
        assert (results[0], results[3]) == ("one", "two")
        assert isinstance(results[2], Conflict)
        facts, *operations = bench.database.transactions
        assert facts[0] == "lock_heads"
        assert operations == [["one"], ["tried"], ["two"]]
        await bench.writer.close()

    run(work())


def test_size_of_a_batch_is_limited() -> None:
    async def work() -> None:
        bench = Bench()
        sids = [f"call-{number}" for number in range(MAX_FACTS_PER_COMMIT // 2)]
        await bench.run_blocked(*(bench.writer.submit(of(*sids)) for _ in range(3)))
        assert len(bench.database.transactions) == 2
        await bench.writer.close()

    run(work())


def test_close_finishes_queued_requests_and_refuses_new_ones() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.hold()
        queued = [asyncio.create_task(bench.writer.submit(of(sid))) for sid in ("a", "b", "c")]
        await asyncio.wait_for(bench.database.entered.wait(), WAITS_AT_MOST_S)
        closing = asyncio.create_task(bench.writer.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="closing"):
            await bench.writer.submit(of("d"))
        bench.database.is_released.set()
        await closing
        assert [len(recorded) for recorded in await asyncio.gather(*queued)] == [1, 1, 1]

    run(work())


def test_event_loop_runs_during_a_commit() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.hold()
        waiting = asyncio.create_task(bench.writer.submit(of("a")))
        await asyncio.wait_for(bench.database.entered.wait(), WAITS_AT_MOST_S)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        bench.database.is_released.set()
        assert (await waiting)[0].outcome == IngestOutcome.APPLIED
        await bench.writer.close()

    run(work())


def test_cancelled_caller_does_not_affect_others() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.hold()
        first, second = (asyncio.create_task(bench.writer.submit(of(sid))) for sid in ("a", "b"))
        await asyncio.wait_for(bench.database.entered.wait(), WAITS_AT_MOST_S)
        first.cancel()
        bench.database.is_released.set()
        assert (await second)[0].outcome == IngestOutcome.APPLIED
        assert first.cancelled()
        await bench.writer.close()

    run(work())


def test_all_requests_fail_while_the_database_is_down_and_succeed_afterwards() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.is_down = True
        results = await bench.run_blocked(*(bench.writer.submit(of(sid)) for sid in ("a", "b", "c")))
        assert [type(each) for each in results] == [Unavailable] * 3
        # Once together: no request waits for the database again.
        assert len(bench.database.transactions) == 1
        bench.database.is_down = False
        assert (await bench.writer.submit(of("a")))[0].outcome == IngestOutcome.APPLIED
        await bench.writer.close()

    run(work())


def test_writer_works_in_consecutive_event_loops() -> None:
    bench = Bench()

    async def submit(sid: str) -> bytes:
        return (await bench.writer.submit(of(sid)))[0].call_id or b""

    assert [asyncio.run(submit(sid)) for sid in ("a", "b")] == [call_uuid("acme", sid) for sid in ("a", "b")]
    asyncio.run(bench.writer.close())


def test_facts_of_a_locked_ledger_are_left_out_until_their_next_commit() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.locked = {"globex"}

        async def submit() -> list[Any]:
            bench.database.transactions.clear()
            requests = [bench.writer.submit(of(sid, tenant=t)) for sid in "ab" for t in ("acme", "globex")]
            results = await bench.run_blocked(*requests)
            return [each if isinstance(each, Exception) else each[0].outcome for each in results]

        first = await submit()
        assert [type(each) for each in first] == [IngestOutcome, LedgerLocked] * 2
        # All together, then each tenant alone.
        assert len(bench.database.transactions) == 3
        assert [type(each) for each in await submit()] == [IngestOutcome, LedgerLocked] * 2
        assert [each[0] for each in bench.database.transactions] == ["meta_wait_briefly"] * 2
        bench.database.locked = set()
        assert await submit() == [IngestOutcome.APPLIED] * 4
        assert await submit() == [IngestOutcome.APPLIED] * 4
        assert bench.database.transactions[0][0] == "lock_heads"
        assert len(bench.database.transactions) == 1
        await bench.writer.close()

    run(work())


def test_stall_of_a_locked_ledger_lasts_until_its_lock_is_taken() -> None:
    async def work() -> None:
        timed = Timed()
        timed.database.locked = {"acme"}
        with pytest.raises(LedgerLocked):
            await timed.writer.submit(of("a"))
        timed.now_s = 6
        with pytest.raises(LedgerLocked):
            await timed.writer.write(try_write(timed.writer))
        assert timed.writer.stalled_s == 6
        timed.database.locked = set()
        await timed.writer.write(try_write(timed.writer))
        assert timed.writer.stalled_s == 0
        await timed.writer.close()

    run(work())


def test_locked_ledger_is_waited_for_again_after_half_a_minute() -> None:
    async def work() -> None:
        timed = Timed()
        timed.database.locked = {"acme"}
        with pytest.raises(LedgerLocked):
            await timed.writer.submit(of("a"))
        for timed.now_s, first in ((29, "meta_wait_briefly"), (31, "lock_heads")):
            await timed.writer.submit(of("b", tenant="globex"))
            assert timed.database.transactions[-1][0] == first
        await timed.writer.close()

    run(work())


def test_after_an_operation_on_a_locked_ledger_no_lock_is_waited_for() -> None:
    def operation() -> StoreOperation[None]:
        yield StatementMany("lock_heads", [{"tenant": "globex"}])

    async def work() -> None:
        timed = Timed()
        timed.database.locked = {"globex"}
        with pytest.raises(LedgerLocked):
            await timed.writer.write(operation())
        for timed.now_s, first in ((29, "meta_wait_briefly"), (31, "lock_heads")):
            await timed.writer.submit(of("a"))
            assert timed.database.transactions[-1][0] == first
        await timed.writer.close()

    run(work())


def test_commit_at_its_timeout_fails_with_all_queued_facts() -> None:
    async def work() -> None:
        database = Database()
        writer = GroupCommitWriter(database.transact, lambda: 0)
        writer.commit_timeout_s = 0.05
        database.hold()
        first = asyncio.create_task(writer.submit(of("a")))
        await asyncio.wait_for(database.entered.wait(), WAITS_AT_MOST_S)
        queued = [asyncio.create_task(writer.submit(of(sid))) for sid in "bc"]
        operation = asyncio.create_task(writer.write(_returns("b")))
        results = await asyncio.gather(first, *queued, return_exceptions=True)
        assert [type(each) for each in results] == [Unavailable] * 3
        database.is_released.set()
        assert await operation == "b"
        assert (await writer.submit(of("a")))[0].outcome == IngestOutcome.APPLIED
        await writer.close()

    run(work())


class Timed:
    """Writer with a clock fixed at `now_s`."""

    def __init__(self) -> None:
        self.database = Database()
        self.now_s = 0
        self.writer = GroupCommitWriter(self.database.transact, lambda: self.now_s * SECOND_US)


def test_stall_lasts_from_the_first_request_to_a_commit() -> None:
    async def work() -> None:
        timed = Timed()
        assert timed.writer.stalled_s == 0
        timed.database.hold()
        waiting = [asyncio.create_task(timed.writer.submit(of(sid))) for sid in "ab"]
        await asyncio.wait_for(timed.database.entered.wait(), WAITS_AT_MOST_S)
        timed.now_s = 6
        assert timed.writer.stalled_s == 6
        timed.database.is_released.set()
        await asyncio.gather(*waiting)
        assert timed.writer.stalled_s == 0
        await timed.writer.close()

    run(work())


def test_requests_that_fail_at_once_count_as_a_stall() -> None:
    async def work() -> None:
        timed = Timed()
        timed.database.is_down = True
        for timed.now_s in (1, 4, 7):
            with pytest.raises(Unavailable):
                await timed.writer.submit(of("a"))
        assert timed.writer.stalled_s == 6
        timed.database.is_down = False
        await timed.writer.submit(of("a"))
        use = timed.writer.writer_use
        assert (use.commits, use.failed_commits, use.queued) == (1, 3, 0)
        assert use.commit_s > 0
        timed.now_s = 20
        assert timed.writer.stalled_s == 0
        await timed.writer.close()

    run(work())


def test_invalid_request_is_no_stall() -> None:
    async def work() -> None:
        timed = Timed()
        with pytest.raises(Conflict):
            await timed.writer.write(_fails())
        timed.now_s = 9
        assert timed.writer.stalled_s == 0
        await timed.writer.close()

    run(work())
