"""Group commit: whatever is queued goes in as one transaction, and what comes meanwhile is the next.

It never waits for a fuller batch (performance.md). All of it runs in the event loop: a thread for
the statements would fight the loop for the interpreter at each of them, which made the slowest
commits fifty times slower than the median. Only the sync to disk leaves the loop, where others share that.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from calltally.calls.errors import CalltallyError, Unavailable
from calltally.calls.times import SECOND_US
from calltally.store.db.interface import Submission, SubmissionResult
from calltally.store.db.operation import Clock, StoreOperation
from calltally.store.ledger.record import record

T = TypeVar("T")

# A commit of more holds up what else the loop has to do, without a gain in rate.
MOST_FACTS: Final = 128
Transact: TypeAlias = Callable[[StoreOperation[Any]], Awaitable[Any]]


class _Job(NamedTuple):
    """Facts to record, or one step to run as a transaction; and where its result is awaited."""

    submissions: Sequence[Submission]
    operation: StoreOperation[Any] | None
    future: "asyncio.Future[Any]"


_Result: TypeAlias = tuple[_Job, Any, BaseException | None]


class Writer:
    """What all writes of a process go through; `transact` runs one step as a transaction.

    With `per_tenant` no transaction is of two tenants, who may be on different machines. It may be
    set at any time, for what is queued from then on.
    """

    per_tenant = False

    def __init__(self, transact: Transact, clock: Clock) -> None:
        self._transact = transact
        self._clock = clock
        self._queue: deque[_Job] = deque()
        self._work: asyncio.Task[None] | None = None
        self._closed = False
        self._watchers: list[Callable[[], None]] = []
        # The first request since the last commit.
        self._requested_us: int | None = None

    def subscribe_to_commits(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called behind each commit of facts, until what is returned is called."""
        self._watchers.append(told)
        return lambda: self._watchers.remove(told)

    @property
    def queued_writes(self) -> int:
        """How many requests are queued now."""
        return len(self._queue)

    @property
    def stalled_s(self) -> float:
        """Seconds since the first request after the last commit; 0 where all were committed."""
        return 0.0 if self._requested_us is None else (self._clock() - self._requested_us) / SECOND_US

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        """Record facts; returns when they are durable. Many of them make several commits, in their order.

        With `in_one_commit` they make one; they must be of one tenant.
        """
        if in_one_commit or len(submissions) == 1:
            # A callback is one fact: nothing to be put together.
            only: list[SubmissionResult] = await self._enqueue(submissions, None)
            return only
        runs = _runs(submissions) if self.per_tenant else [submissions]
        parts = [run[at : at + MOST_FACTS] for run in runs for at in range(0, len(run), MOST_FACTS)]
        recorded = await asyncio.gather(*[self._enqueue(part, None) for part in parts])
        return [each for part in recorded for each in part]

    async def write(self, operation: StoreOperation[T]) -> T:
        """Run a step as a transaction of its own; returns when it is durable."""
        result: T = await self._enqueue((), operation)
        return result

    def _enqueue(
        self, submissions: Sequence[Submission], operation: StoreOperation[Any] | None
    ) -> "asyncio.Future[Any]":
        if self._closed:
            raise Unavailable("the store is closing; nothing was recorded, try again")
        future = asyncio.get_running_loop().create_future()
        self._queue.append(_Job(submissions, operation, future))
        self._note_request()
        if self._work is None or self._work.done():
            # It begins when the loop has gone round, and so takes all that came with this request.
            self._work = asyncio.create_task(self._empty_queue())
        return future

    async def close(self) -> None:
        """Finish what is queued, and take nothing more."""
        self._closed = True
        if self._work is not None:
            await self._work

    async def _empty_queue(self) -> None:
        while self._queue:
            for group in _groups(self._take(), per_tenant=self.per_tenant):
                _resolve(await self._commit(group))
                if group[0].operation is None:
                    for told in self._watchers:
                        told()

    def _take(self) -> list[_Job]:
        jobs, facts = [self._queue.popleft()], 0
        while self._queue and (facts := facts + len(jobs[-1].submissions)) < MOST_FACTS:
            jobs.append(self._queue.popleft())
        return jobs

    async def _commit(self, jobs: list[_Job]) -> list[_Result]:
        """One transaction; where it fails for more than one request, each has one of its own.

        So one request that cannot be recorded fails alone, and says why.
        """
        self._note_request()
        try:
            results = await self._transact(_together(jobs, self._clock))
        except Exception as fault:  # noqa: BLE001 - it is not swallowed: the request that caused it gets it
            if isinstance(fault, CalltallyError) and not isinstance(fault, Unavailable):
                # The database answers; the request asks for what cannot be.
                self._requested_us = None
            if len(jobs) == 1:
                return [(jobs[0], None, fault)]
            return await self._one_by_one(jobs)
        self._requested_us = None
        return [(job, result, None) for job, result in zip(jobs, results, strict=True)]

    def _note_request(self) -> None:
        if self._requested_us is None:
            self._requested_us = self._clock()

    async def _one_by_one(self, jobs: list[_Job]) -> list[_Result]:
        results: list[_Result] = []
        for job in jobs:
            results += await self._commit([job])
            fault = results[-1][2]
            if isinstance(fault, Unavailable):
                # It is the database, not the request: to wait it out for each would take minutes.
                return results + [(left, None, fault) for left in jobs[len(results) :]]
        return results


def _runs(submissions: Iterable[Submission]) -> list[list[Submission]]:
    """Neighbours of one tenant, in the order given."""
    return [list(run) for _tenant, run in groupby(submissions, attrgetter("tenant"))]


def _groups(jobs: list[_Job], *, per_tenant: bool) -> list[list[_Job]]:
    """Facts together, or those of each tenant; each step alone, since it may be retried only as a whole."""
    facts: dict[str, list[_Job]] = {}
    for job in jobs:
        if job.operation is None:
            facts.setdefault(job.submissions[0].tenant if per_tenant else "", []).append(job)
    return [*facts.values(), *([job] for job in jobs if job.operation is not None)]


def _together(jobs: list[_Job], clock: Clock) -> StoreOperation[list[Any]]:
    if jobs[0].operation is not None:
        return [(yield from jobs[0].operation)]
    submissions = [submission for job in jobs for submission in job.submissions]
    recorded = iter((yield from record(submissions, clock())))
    return [[next(recorded) for _ in job.submissions] for job in jobs]


def _resolve(results: list[_Result]) -> None:
    for job, result, fault in results:
        if job.future.done():
            # Who asked stopped waiting; what was asked for is done all the same.
            continue
        if fault is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(fault)
