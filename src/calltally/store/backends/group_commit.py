"""Group commit: all queued writes form one transaction; writes that arrive meanwhile form the next.

It never waits for a fuller batch (performance.md). Statements run in the event loop: in a thread, each of
them would compete with the loop for the interpreter, which made the slowest commits fifty times slower than
the median. Only the sync to disk leaves the loop, where the store provides a thread for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from operator import attrgetter
from time import perf_counter
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from calltally.calls.errors import CalltallyError, NothingCommitted, Unavailable
from calltally.calls.times import SECOND_US
from calltally.store.db.interface import Store, Submission, SubmissionResult
from calltally.store.db.operation import Clock, StoreOperation, execute
from calltally.store.db.usage import WriterUse
from calltally.store.ledger.record import record

T = TypeVar("T")

# Larger commits block the event loop for longer, without a gain in rate.
MAX_FACTS_PER_COMMIT: Final = 128
Transact: TypeAlias = Callable[[StoreOperation[Any]], Awaitable[Any]]


class _WriteRequest(NamedTuple):
    """Facts to record, or one operation to run as a transaction, and the future of its result."""

    submissions: Sequence[Submission]
    operation: StoreOperation[Any] | None
    future: "asyncio.Future[Any]"


_Result: TypeAlias = tuple[_WriteRequest, Any, BaseException | None]


class GroupCommitWriter:
    """Queue of all writes of a process; `transact` runs one operation as a transaction.

    With `per_tenant` no transaction contains two tenants, since they may be on different machines. It may be
    set at any time, for requests that are queued afterwards.
    """

    per_tenant = False

    def __init__(self, transact: Transact, clock: Clock) -> None:
        self._run_transaction = transact
        self._clock = clock
        self._queue: deque[_WriteRequest] = deque()
        self._drain_task: asyncio.Task[None] | None = None
        self._closed = False
        self._subscribers: list[Callable[[], None]] = []
        # Time of the first request since the last commit.
        self._oldest_request_us: int | None = None
        self._commits = self._failed_commits = 0
        self._commit_s = 0.0

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
        tenants = groupby(submissions, attrgetter("tenant"))
        runs = [list(run) for _, run in tenants] if self.per_tenant else [submissions]
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
        self._queue.append(_WriteRequest(submissions, operation, future))
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
            for group in _commit_groups(self._dequeue(), per_tenant=self.per_tenant):
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
        """Commit requests as one transaction; if that fails, each alone, to fail with its own error."""
        self._start_stall_timer()
        started_s = perf_counter()
        try:
            results = await self._run_transaction(_combine(requests, self._clock))
        except Exception as fault:  # noqa: BLE001 - it is not swallowed: the request that caused it gets it
            if isinstance(fault, CalltallyError) and not isinstance(fault, Unavailable):
                # The database works; the request itself is invalid.
                self._oldest_request_us = None
            else:
                self._failed_commits += 1
            if len(requests) == 1:
                return [(requests[0], None, fault)]
            return await self._commit_individually(requests)
        self._oldest_request_us = None
        self._commits += 1
        self._commit_s += perf_counter() - started_s
        return [(request, result, None) for request, result in zip(requests, results, strict=True)]

    def _start_stall_timer(self) -> None:
        if self._oldest_request_us is None:
            self._oldest_request_us = self._clock()

    async def _commit_individually(self, requests: list[_WriteRequest]) -> list[_Result]:
        results: list[_Result] = []
        for request in requests:
            results += await self._commit([request])
            fault = results[-1][2]
            if isinstance(fault, Unavailable):
                # The database fails, not the request: waiting for it once per request would take minutes.
                return results + [(left, None, fault) for left in requests[len(results) :]]
        return results


def _commit_groups(requests: list[_WriteRequest], *, per_tenant: bool) -> list[list[_WriteRequest]]:
    """Group facts into one commit, or one per tenant. Each operation is a commit of its own."""
    facts: dict[str, list[_WriteRequest]] = {}
    for request in requests:
        if request.operation is None:
            facts.setdefault(request.submissions[0].tenant if per_tenant else "", []).append(request)
    return [*facts.values(), *([request] for request in requests if request.operation is not None)]


def _combine(requests: list[_WriteRequest], clock: Clock) -> StoreOperation[list[Any]]:
    if requests[0].operation is not None:
        return [(yield from requests[0].operation)]
    submissions = [submission for request in requests for submission in request.submissions]
    recorded = iter((yield from record(submissions, clock())))
    return [[next(recorded) for _ in request.submissions] for request in requests]


def _resolve(results: list[_Result]) -> None:
    for request, result, fault in results:
        if request.future.done():
            # The caller stopped waiting; its request was executed all the same.
            continue
        if fault is None:
            request.future.set_result(result)
        else:
            request.future.set_exception(fault)


# Shorter than the time for which a load balancer waits for a response.
_TRIAL_TIMEOUT_S: Final = 1.0
STALLED_S: Final = 5.0


async def check_writer(store: Store) -> None:
    """Raise NothingCommitted if write requests have arrived for 5 s and none was committed.

    A node that is not ready may get no further requests and would never commit one. So the check makes a
    write of its own, unless other writes are queued.
    """
    if store.stalled_s < STALLED_S:
        return
    if not store.queued_writes:
        try:
            async with asyncio.timeout(_TRIAL_TIMEOUT_S):
                await store.write(execute("meta_try_write"))
                return
        except Exception as fault:  # noqa: BLE001 - for any reason, the next request would fail too
            _log_failure(fault)
    message = (
        f"no write was committed for {STALLED_S:g} s or more, although some were requested; see the service's"
        " log and the database"
    )
    raise NothingCommitted(message)


def _log_failure(fault: Exception) -> None:
    from calltally.logs import get_logger  # deferred: takes 5 MB, and commands on the store log nothing

    get_logger(__name__).warning("trial write failed", reason=str(fault) or type(fault).__name__)
