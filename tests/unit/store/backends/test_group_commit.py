"""Group commit: what is queued goes in together, and every request gets its own answer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from calltally.calls.errors import Conflict, NotFound, Unavailable
from calltally.calls.events import IngestOutcome
from calltally.calls.identity import call_uuid
from calltally.calls.times import SECOND_US
from calltally.store.backends.group_commit import MAX_FACTS_PER_COMMIT, GroupCommitWriter
from calltally.store.db.interface import Submission
from calltally.store.db.operation import Rows, Statement, StatementMany, StoreOperation, run_operation
from tests.telling import fact

T = TypeVar("T")
WAITS_AT_MOST_S = 10


class Database:
    """Stands where a database would: it has one tenant, keeps nothing, and can be held up."""

    def __init__(self) -> None:
        self.entered, self.may_go_on = asyncio.Event(), asyncio.Event()
        self.may_go_on.set()
        self.transactions: list[list[str]] = []
        self.is_down = False

    def hold(self) -> None:
        self.entered.clear()
        self.may_go_on.clear()

    async def transact(self, operation: StoreOperation[T]) -> T:
        self.entered.set()
        await asyncio.wait_for(self.may_go_on.wait(), WAITS_AT_MOST_S)
        self.transactions.append([])
        if self.is_down:
            operation.close()
            raise Unavailable("down")
        return run_operation(operation, self._execute)

    def _execute(self, request: Statement | StatementMany) -> Rows:
        self.transactions[-1].append(request.name)
        if request.name == "lock_heads" and isinstance(request, StatementMany):
            return [("acme", 0, "e" * 32) for row in request.rows if row["tenant"] == "acme"]
        return []


class Bench:
    """A writer on that database; what is queued while it is held goes in as one batch."""

    def __init__(self) -> None:
        self.database = Database()
        self.writer = GroupCommitWriter(self.database.transact, lambda: 0)

    async def held(self, *requests: Coroutine[Any, Any, Any], queued: int | None = None) -> list[Any]:
        """Queue requests behind one that is under way, then let go; returns results and errors."""
        self.database.hold()
        first = asyncio.create_task(self.writer.write(_nothing()))
        await asyncio.wait_for(self.database.entered.wait(), WAITS_AT_MOST_S)
        tasks = [asyncio.create_task(request) for request in requests]
        # Each queues what it asks for as soon as it runs.
        await asyncio.sleep(0)
        assert self.writer.queued_writes == (queued or len(tasks))
        self.database.may_go_on.set()
        await asyncio.gather(first, return_exceptions=True)
        del self.database.transactions[0]
        return await asyncio.gather(*tasks, return_exceptions=True)


def _nothing() -> StoreOperation[None]:
    return
    yield


def _says(word: str) -> StoreOperation[str]:
    yield Statement(word, {})
    return word


def _fails() -> StoreOperation[None]:
    yield Statement("tried", {})
    raise Conflict("no")


def of(*sids: str, tenant: str = "acme") -> list[Submission]:
    return [Submission(tenant, fact(1, sid)) for sid in sids]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_what_is_queued_goes_in_as_one_transaction_and_answers_in_order() -> None:
    async def work() -> None:
        bench = Bench()
        requests = [("a", "b"), ("c",), ("d", "a", "e")]
        told = await bench.held(*(bench.writer.submit(of(*sids)) for sids in requests))
        assert [[each.call_id for each in recorded] for recorded in told] == [
            [call_uuid("acme", sid) for sid in sids] for sids in requests
        ]
        assert told[2][1].outcome == IngestOutcome.DUPLICATE
        assert len(bench.database.transactions) == 1
        await bench.writer.close()

    run(work())


def test_a_request_that_cannot_be_recorded_fails_alone() -> None:
    async def work() -> None:
        bench = Bench()
        told = await bench.held(
            bench.writer.submit(of("a")),
            bench.writer.submit(of("b", tenant="nobody")),
            bench.writer.submit(of("c")),
        )
        assert [each.call_id for recorded in (told[0], told[2]) for each in recorded] == [
            call_uuid("acme", "a"),
            call_uuid("acme", "c"),
        ]
        assert isinstance(told[1], NotFound)
        await bench.writer.close()

    run(work())


def test_each_tenant_has_a_transaction_of_its_own_where_they_may_be_on_different_machines() -> None:
    async def work() -> None:
        bench = Bench()
        bench.writer.per_tenant = True
        told = await bench.held(
            bench.writer.submit(of("a")),
            bench.writer.submit(of("b", tenant="nobody")),
            bench.writer.submit([*of("c"), *of("d", tenant="nobody"), *of("e", "f")]),
            queued=5,
        )
        assert [each.call_id for each in told[0]] == [call_uuid("acme", "a")]
        assert [type(each) for each in told[1:]] == [NotFound, NotFound]
        # One of acme's requests, and three of nobody's: together, then each alone.
        assert len(bench.database.transactions) == 4
        told = await bench.held(
            bench.writer.submit([*of("c"), *of("d", "a"), *of("e")]), bench.writer.submit(of("g")), queued=2
        )
        assert [each.call_id for each in told[0]] == [call_uuid("acme", sid) for sid in ("c", "d", "a", "e")]
        await bench.writer.close()

    run(work())


def test_steps_are_transactions_of_their_own_and_never_run_twice() -> None:
    async def work() -> None:
        bench = Bench()
        told = await bench.held(
            bench.writer.write(_says("one")),
            bench.writer.submit(of("a")),
            bench.writer.write(_fails()),
            bench.writer.write(_says("two")),
        )
        assert (told[0], told[3]) == ("one", "two")
        assert isinstance(told[2], Conflict)
        facts, *steps = bench.database.transactions
        assert facts[0] == "lock_heads"
        assert steps == [["one"], ["tried"], ["two"]]
        await bench.writer.close()

    run(work())


def test_a_batch_has_an_end() -> None:
    async def work() -> None:
        bench = Bench()
        sids = [f"call-{number}" for number in range(MAX_FACTS_PER_COMMIT // 2)]
        await bench.held(*(bench.writer.submit(of(*sids)) for _ in range(3)))
        assert len(bench.database.transactions) == 2
        await bench.writer.close()

    run(work())


def test_closing_finishes_what_is_queued_and_takes_nothing_more() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.hold()
        queued = [asyncio.create_task(bench.writer.submit(of(sid))) for sid in ("a", "b", "c")]
        await asyncio.wait_for(bench.database.entered.wait(), WAITS_AT_MOST_S)
        closing = asyncio.create_task(bench.writer.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="closing"):
            await bench.writer.submit(of("d"))
        bench.database.may_go_on.set()
        await closing
        assert [len(recorded) for recorded in await asyncio.gather(*queued)] == [1, 1, 1]

    run(work())


def test_the_loop_runs_on_while_a_commit_does_not() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.hold()
        waiting = asyncio.create_task(bench.writer.submit(of("a")))
        await asyncio.wait_for(bench.database.entered.wait(), WAITS_AT_MOST_S)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        bench.database.may_go_on.set()
        assert (await waiting)[0].outcome == IngestOutcome.APPLIED
        await bench.writer.close()

    run(work())


def test_who_stops_waiting_harms_nobody() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.hold()
        first, second = (asyncio.create_task(bench.writer.submit(of(sid))) for sid in ("a", "b"))
        await asyncio.wait_for(bench.database.entered.wait(), WAITS_AT_MOST_S)
        first.cancel()
        bench.database.may_go_on.set()
        assert (await second)[0].outcome == IngestOutcome.APPLIED
        assert first.cancelled()
        await bench.writer.close()

    run(work())


def test_a_database_that_is_down_is_told_to_all_and_forgotten_when_it_is_back() -> None:
    async def work() -> None:
        bench = Bench()
        bench.database.is_down = True
        told = await bench.held(*(bench.writer.submit(of(sid)) for sid in ("a", "b", "c")))
        assert [type(each) for each in told] == [Unavailable] * 3
        # Once together, once alone; the others are not made to wait for as much again.
        assert len(bench.database.transactions) == 2
        bench.database.is_down = False
        assert (await bench.writer.submit(of("a")))[0].outcome == IngestOutcome.APPLIED
        await bench.writer.close()

    run(work())


def test_each_loop_gets_its_own_answers() -> None:
    bench = Bench()

    async def submit(sid: str) -> bytes:
        return (await bench.writer.submit(of(sid)))[0].call_id or b""

    assert [asyncio.run(submit(sid)) for sid in ("a", "b")] == [call_uuid("acme", sid) for sid in ("a", "b")]
    asyncio.run(bench.writer.close())


class Timed:
    """A writer whose clock stands at `now_s`."""

    def __init__(self) -> None:
        self.database = Database()
        self.now_s = 0
        self.writer = GroupCommitWriter(self.database.transact, lambda: self.now_s * SECOND_US)


def test_it_stalls_from_the_first_request_until_one_is_committed() -> None:
    async def work() -> None:
        timed = Timed()
        assert timed.writer.stalled_s == 0
        timed.database.hold()
        waiting = [asyncio.create_task(timed.writer.submit(of(sid))) for sid in "ab"]
        await asyncio.wait_for(timed.database.entered.wait(), WAITS_AT_MOST_S)
        timed.now_s = 6
        assert timed.writer.stalled_s == 6
        timed.database.may_go_on.set()
        await asyncio.gather(*waiting)
        assert timed.writer.stalled_s == 0
        await timed.writer.close()

    run(work())


def test_requests_that_fail_at_once_are_a_stall_too() -> None:
    async def work() -> None:
        timed = Timed()
        timed.database.is_down = True
        for timed.now_s in (1, 4, 7):
            with pytest.raises(Unavailable):
                await timed.writer.submit(of("a"))
        assert timed.writer.stalled_s == 6
        timed.database.is_down = False
        await timed.writer.submit(of("a"))
        timed.now_s = 20
        assert timed.writer.stalled_s == 0
        await timed.writer.close()

    run(work())


def test_a_request_that_asks_for_what_cannot_be_is_no_stall() -> None:
    async def work() -> None:
        timed = Timed()
        with pytest.raises(Conflict):
            await timed.writer.write(_fails())
        timed.now_s = 9
        assert timed.writer.stalled_s == 0
        await timed.writer.close()

    run(work())
