"""Group commit: all queued writes form one transaction; writes that arrive meanwhile form the next.

A transaction that holds the lock of a ledger must not stop other ledgers. After a timeout of the lock, each
tenant's facts are committed alone, and those of a locked ledger stay alone until their next commit, or until
none were submitted for half a minute.

It never waits for a fuller batch (performance.md). Statements run in the event loop: in a thread, each of
them would compete with the loop for the interpreter, which made the slowest commits fifty times slower than
the median. Only the sync to disk leaves the loop, where the store provides a thread for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from time import perf_counter
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from calltally import tracing
from calltally.calls.errors import CalltallyError, Unavailable
from calltally.calls.times import SECOND_US
from calltally.store.db.interface import LedgerLocked, Submission, SubmissionResult, TransactionExpired
from calltally.store.db.operation import Clock, Statement, StoreOperation
from calltally.store.db.usage import WriterUse
from calltally.store.ledger.record import record

T = TypeVar("T")

# Larger commits block the event loop for longer, without a gain in rate.
MAX_FACTS_PER_COMMIT: Final = 128
_LOCKED_US: Final = 30 * SECOND_US
Transact: TypeAlias = Callable[[StoreOperation[Any]], Awaitable[Any]]


class _WriteRequest(NamedTuple):
    """Facts to record, or one operation to run as a transaction, the future of its result, and its span."""

    submissions: Sequence[Submission]
    operation: StoreOperation[Any] | None
    future: "asyncio.Future[Any]"
    span: Any = None


_Result: TypeAlias = tuple[_WriteRequest, Any, BaseException | None]


class GroupCommitWriter:
    """Queue of all writes of a process; `transact` runs one operation as a transaction.

    With `per_tenant` no transaction contains two tenants, since they may be on different machines. It may be
    set at any time, for requests that are queued afterwards.
    """

    per_tenant = False
    # Of a commit of facts, where one can be given up; then all queued facts are refused too.
    commit_timeout_s: float | None = None

    def __init__(self, transact: Transact, clock: Clock) -> None:
        self._run_transaction = transact
        self._clock = clock
        self._queue: deque[_WriteRequest] = deque()
        # Dequeued requests that are not committed yet.
        self._groups: deque[list[_WriteRequest]] = deque()
        self._drain_task: asyncio.Task[None] | None = None
        self._closed = False
        self._subscribers: list[Callable[[], None]] = []
        # Time of the first request since the last commit.
        self._oldest_request_us: int | None = None
        self._commits = self._failed_commits = 0
        self._commit_s = 0.0
        # Tenants whose ledger was locked at the last attempt, with the time of that.
        self.locked: dict[str, int] = {}

    def subscribe_to_commits(self, on_commit: Callable[[], None]) -> Callable[[], None]:
        """Call `on_commit` after each commit of facts. Returns a function that unsubscribes."""
        self._subscribers.append(on_commit)
        return lambda: self._subscribers.remove(on_commit)

    @property
    def queued_writes(self) -> int:
        return len(self._queue)

    @property
    def stalled_s(self) -> float:
        """Seconds since the first request after the last commit; 0 if none is uncommitted."""
        oldest_us = self._oldest_request_us
        return 0.0 if oldest_us is None else (self._clock() - oldest_us) / SECOND_US

    @property
    def writer_use(self) -> WriterUse:
        """Queue of the writer, and its transactions since the start."""
        totals = (self._commits, self._failed_commits, self._commit_s)
        return WriterUse(self.queued_writes, self.stalled_s, *totals)

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        """Record facts and return when they are durable. Many facts take several commits, in their order.

        With `in_one_commit` they take one commit and must be of one tenant.
        """
        if len(submissions) == 1 or (in_one_commit and submissions):
            # The usual case, a callback with one fact, needs no splitting.
            only: list[SubmissionResult] = await self._enqueue(submissions, None)
            return only
        runs = [list(run) for _, run in groupby(submissions, attrgetter("tenant"))]
        parts = [
            run[at : at + MAX_FACTS_PER_COMMIT]
            for run in runs
            for at in range(0, len(run), MAX_FACTS_PER_COMMIT)
        ]
        recorded = await asyncio.gather(*[self._enqueue(part, None) for part in parts])
        return [each for part in recorded for each in part]

    async def write(self, operation: StoreOperation[T]) -> T:
        """Run an operation as a transaction of its own and return when it is durable."""
        result: T = await self._enqueue((), operation)
        return result

    def _enqueue(
        self, submissions: Sequence[Submission], operation: StoreOperation[Any] | None
    ) -> "asyncio.Future[Any]":
        if self._closed:
            raise Unavailable("the store is closing; nothing was recorded, try again")
        future = asyncio.get_running_loop().create_future()
        self._queue.append(_WriteRequest(submissions, operation, future, tracing.current_span()))
        self._start_stall_timer()
        if self._drain_task is None or self._drain_task.done():
            # The task starts in the next loop iteration, so it takes all requests of this one.
            self._drain_task = asyncio.create_task(self._drain_queue())
        return future

    async def close(self) -> None:
        """Finish the queued requests and refuse new ones."""
        self._closed = True
        if self._drain_task is not None:
            await self._drain_task

    async def _drain_queue(self) -> None:
        while self._queue:
            self._groups.extend(self._commit_groups(self._dequeue()))
            while self._groups:
                group = self._groups.popleft()
                _resolve(await self._commit(group))
                if group[0].operation is None:
                    for on_commit in self._subscribers:
                        on_commit()

    def _dequeue(self) -> list[_WriteRequest]:
        requests, facts = [self._queue.popleft()], 0
        while self._queue and (facts := facts + len(requests[-1].submissions)) < MAX_FACTS_PER_COMMIT:
            requests.append(self._queue.popleft())
        return requests

    async def _commit(self, requests: list[_WriteRequest]) -> list[_Result]:
        """Commit requests as one transaction."""
        self._start_stall_timer()
        started_s = perf_counter()
        timeout_s = self.commit_timeout_s if requests[0].operation is None else None
        try:
            with tracing.commit_span(request.span for request in requests) as span:
                async with asyncio.timeout(timeout_s):
                    results = await self._run_transaction(self._combine(requests))
        except Exception as fault:  # noqa: BLE001 - it is not swallowed: the request that caused it gets it
            return await self._divide(requests, fault)
        self._oldest_request_us = None
        tracing.note_commit(span, _revisions(requests, results))
        self._commits += 1
        self._commit_s += perf_counter() - started_s
        for tenant in _by_tenant(requests).keys() & self.locked.keys():
            del self.locked[tenant]
        return [(request, result, None) for request, result in zip(requests, results, strict=True)]

    async def _divide(self, requests: list[_WriteRequest], fault: Exception) -> list[_Result]:
        """Commit requests in smaller groups after a failure, unless all would fail again."""
        if isinstance(fault, CalltallyError) and not isinstance(fault, Unavailable):
            # The database works; one of the requests is invalid.
            self._oldest_request_us = None
        else:
            self._failed_commits += 1
        if isinstance(fault, LedgerLocked):
            return await self._commit_unlocked(requests, fault)
        if isinstance(fault, TimeoutError) and requests[0].operation is None:
            return self._give_up(requests)
        is_lasting = isinstance(fault, Unavailable) and not isinstance(fault, TransactionExpired)
        if is_lasting or len(requests) == 1:
            return [(request, None, fault) for request in requests]
        return [result for request in requests for result in await self._commit([request])]

    async def _commit_unlocked(self, requests: list[_WriteRequest], fault: LedgerLocked) -> list[_Result]:
        """Commit the facts of each tenant alone, and refuse those of ledgers that are still locked then."""
        groups = _by_tenant(requests)
        is_repeated = groups.keys() <= self.locked.keys()
        # Which ledger is locked is not known, and of an operation not even its tenants. For now no ledger is
        # waited for.
        self.locked.update(dict.fromkeys(groups or [""], self._clock()))
        if is_repeated:
            return [(request, None, fault) for request in requests]
        return [result for group in groups.values() for result in await self._commit(group)]

    def _give_up(self, requests: list[_WriteRequest]) -> list[_Result]:
        """Refuse the requests, and all queued facts: they would wait for the same database."""
        fault = Unavailable("the database did not commit in time; try again: a repeat has no second effect")
        waiting = [*(each for group in self._groups for each in group), *self._queue]
        self._groups.clear()
        self._queue = deque(each for each in waiting if each.operation is not None)
        refused = [*requests, *(each for each in waiting if each.operation is None)]
        return [(request, None, fault) for request in refused]

    def _combine(self, requests: list[_WriteRequest]) -> StoreOperation[list[Any]]:
        if self.locked:
            yield Statement("meta_wait_briefly", {})
        if requests[0].operation is not None:
            return [(yield from requests[0].operation)]
        submissions = [submission for request in requests for submission in request.submissions]
        recorded = iter((yield from record(submissions, self._clock())))
        return [[next(recorded) for _ in request.submissions] for request in requests]

    def _start_stall_timer(self) -> None:
        if self._oldest_request_us is None:
            self._oldest_request_us = self._clock()

    def _commit_groups(self, requests: list[_WriteRequest]) -> list[list[_WriteRequest]]:
        """Group facts into one commit, those of locked ledgers by tenant. Operations are commits alone."""
        facts: dict[str, list[_WriteRequest]] = {}
        if self.locked:
            since_us = self._clock() - _LOCKED_US
            self.locked = {tenant: at_us for tenant, at_us in self.locked.items() if at_us > since_us}
        for request in requests:
            if request.operation is None:
                tenant = request.submissions[0].tenant
                is_alone = self.per_tenant or tenant in self.locked
                facts.setdefault(tenant if is_alone else "", []).append(request)
        return [*facts.values(), *([request] for request in requests if request.operation is not None)]


def _by_tenant(requests: list[_WriteRequest]) -> dict[str, list[_WriteRequest]]:
    """Return the facts of each tenant; none for an operation."""
    groups: dict[str, list[_WriteRequest]] = {}
    for request in requests:
        if request.submissions:
            groups.setdefault(request.submissions[0].tenant, []).append(request)
    return groups


def _revisions(requests: Sequence[_WriteRequest], results: Sequence[Any]) -> Iterator[tuple[str, int]]:
    for request, recorded in zip(requests, results, strict=True):
        if request.operation is None:
            for submission, result in zip(request.submissions, recorded, strict=True):
                if result.revision is not None:
                    yield submission.tenant, result.revision


def _resolve(results: list[_Result]) -> None:
    for request, result, fault in results:
        if request.future.done():
            # The caller stopped waiting; its request was executed all the same.
            continue
        if fault is None:
            request.future.set_result(result)
        else:
            request.future.set_exception(fault)
