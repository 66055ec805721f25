"""Group commit: one thread takes whatever is queued, commits it as one transaction, answers all of it.

It never waits for a fuller batch: what arrives during a commit is the next batch (performance.md).
"""

import asyncio
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from calltally.calls.errors import Unavailable
from calltally.store.ledger import record
from calltally.store.steps import Clock, Step
from calltally.store.store import Recorded, Submission

T = TypeVar("T")

# A commit of more than this holds up the answers of those that wait without a gain in rate.
MOST_FACTS: Final = 512
Transact: TypeAlias = Callable[[Step[Any]], Any]


class _Job(NamedTuple):
    """Facts to record, or one step to run as a transaction; and where its result is awaited."""

    submissions: Sequence[Submission]
    step: Step[Any] | None
    future: "asyncio.Future[Any]"


_Result: TypeAlias = tuple[_Job, Any, BaseException | None]


class Writer:
    """The thread that all writes of a process go through; `transact` runs one step as a transaction."""

    def __init__(self, transact: Transact, clock: Clock) -> None:
        self._transact = transact
        self._clock = clock
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._work, name="calltally-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many requests are queued now."""
        return self._queue.qsize()

    async def submit(self, submissions: Sequence[Submission]) -> list[Recorded]:
        """Record facts; returns when they are durable."""
        recorded: list[Recorded] = await self._enqueue(submissions, None)
        return recorded

    async def write(self, step: Step[T]) -> T:
        """Run a step as a transaction of its own; returns when it is durable."""
        result: T = await self._enqueue((), step)
        return result

    def _enqueue(self, submissions: Sequence[Submission], step: Step[Any] | None) -> "asyncio.Future[Any]":
        if self._closed:
            # Nobody would ever answer it.
            raise Unavailable("the store is closing; nothing was recorded, try again")
        future = asyncio.get_running_loop().create_future()
        self._queue.put(_Job(submissions, step, future))
        return future

    async def close(self) -> None:
        """Finish what is queued, then end the thread."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            jobs, ended = self._take(first)
            _answer([result for group in _groups(jobs) for result in self._commit(group)])
            if ended:
                return

    def _take(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs, facts = [first], len(first.submissions)
        while facts < MOST_FACTS:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
            facts += len(job.submissions)
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> list[_Result]:
        """One transaction; where it fails for more than one request, each has one of its own.

        So one request that cannot be recorded fails alone, and says why.
        """
        try:
            results = self._transact(_together(jobs, self._clock))
        except Exception as fault:  # noqa: BLE001 - it is not swallowed: the request that caused it gets it
            if len(jobs) == 1:
                return [(jobs[0], None, fault)]
            return self._one_by_one(jobs)
        return [(job, result, None) for job, result in zip(jobs, results, strict=True)]

    def _one_by_one(self, jobs: list[_Job]) -> list[_Result]:
        results: list[_Result] = []
        for job in jobs:
            results += self._commit([job])
            fault = results[-1][2]
            if isinstance(fault, Unavailable):
                # It is the database, not the request: to wait it out for each would take minutes.
                return results + [(left, None, fault) for left in jobs[len(results) :]]
        return results


def _groups(jobs: list[_Job]) -> list[list[_Job]]:
    """All facts together; each step by itself, since it may be retried as a whole only once made."""
    facts = [job for job in jobs if job.step is None]
    return [*([facts] if facts else []), *([job] for job in jobs if job.step is not None)]


def _together(jobs: list[_Job], clock: Clock) -> Step[list[Any]]:
    if jobs[0].step is not None:
        return [(yield from jobs[0].step)]
    submissions = [submission for job in jobs for submission in job.submissions]
    recorded = iter((yield from record(submissions, clock())))
    return [[next(recorded) for _ in job.submissions] for job in jobs]


def _answer(results: list[_Result]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Result]] = {}
    for result in results:
        by_loop.setdefault(result[0].future.get_loop(), []).append(result)
    for loop, answered in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, answered)


def _resolve(results: list[_Result]) -> None:
    for job, result, fault in results:
        if job.future.done():
            continue
        if fault is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(fault)
