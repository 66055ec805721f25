"""A store whose facts are recorded by a process of its own while there are many.

One interpreter answers HTTP, reads and checks signatures, another folds, counts and writes: on two cores a
service takes many more callbacks, and a page waits for no commit. A quiet service has no such process, and so
none of its memory. The two write in turns, as any two processes do (`turn`); what is no fact is still written
here.

Nothing is lost with the process. What it had not answered is recorded here again: facts have keys, so one
that it did write is known, and is answered as the repeat that it is.
"""

import asyncio
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from calltally.store.backends.recorder.client import Recorder, begin_recorder
from calltally.store.db.interface import Recorded, Submission, WatchedStore

# Of ten seconds eleven minutes.
_MOST_DOUBLINGS: Final = 6


class Pace(NamedTuple):
    """When the process is begun and let go. Times in seconds.

    `many` facts within one second begin it, which takes a quarter of a second of a core; in `begin_s` it has
    said so, or never will. It is killed where what it is next to answer is the same for `hang_s`. Once it has
    died it is not begun again for `rest_s`, and for twice as long each time it dies sooner than that again.
    """

    many: int
    begin_s: float = 60.0
    idle_s: float = 60.0
    # To wait for others who write takes it ten seconds a commit at worst, twenty where they know no turns.
    hang_s: float = 30.0
    rest_s: float = 10.0
    # Its commits are milliseconds; and a supervisor waits for the service no longer than some seconds more.
    end_s: float = 5.0


class Rests:
    """How long the process is left alone once it failed: twice as long each time, until it lives as long."""

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self._failures = 0
        self._begun_s: float | None = None

    def begun(self, now_s: float) -> None:
        """It was begun, and works."""
        self._begun_s = now_s

    def after_failure(self, now_s: float) -> float:
        """It died, or could not be begun; how many seconds to wait before it is begun again."""
        if self._begun_s is not None and now_s - self._begun_s > self._first_s * 2**self._failures:
            self._failures = 0
        self._begun_s = None
        rest_s = self._first_s * 2.0**self._failures
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return rest_s


class Happened(StrEnum):
    """What happened to the process."""

    REFUSED = "refused"
    BEGUN = "begun"
    LET_GO = "let_go"
    DIED = "died"


# Is called with it and the process's id, or why there is none.
OnHappened: TypeAlias = Callable[[Happened, int | Exception], None]


class StoreApart:
    """`store`, on the SQLite file at `path`, with a recorder beside it while that pays."""

    def __init__(self, store: WatchedStore, path: Path, on_happened: OnHappened, pace: Pace) -> None:
        self._store = store
        self.dialect = store.dialect
        self._path = path
        self._on_happened = on_happened
        self._pace = pace
        self._watchers: list[Callable[[], None]] = []
        self._recorder: Recorder | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._life: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._rests = Rests(pace.rest_s)
        self._second = self._not_before = 0.0
        self._facts = 0
        self.read, self.read_tenant, self.write = store.read, store.read_tenant, store.write

    @property
    def waiting(self) -> int:
        """Requests that wait for a writer now, here or in the process."""
        return self._store.waiting + (self._recorder.waiting if self._recorder else 0)

    @property
    def stalled_s(self) -> float:
        """That of the store. A process that hangs is killed, and what it was asked is written here."""
        return self._store.stalled_s

    @property
    def is_apart(self) -> bool:
        """Whether a process of its own records now."""
        return self._recorder is not None and self._recorder.is_ready

    @property
    def process_id(self) -> int | None:
        """Of the process, from when it was begun until it has ended."""
        return self._process.pid if self._process else None

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[Recorded]:
        """Record facts, by the process where there is one."""
        recorder = self._recorder
        if recorder is not None and recorder.is_ready:
            if (recorded := await recorder.ask(submissions)) is not None:
                return recorded
        elif self._life is None:
            self._count(len(submissions))
        # What the process wrote but could not answer is known by now, and is not written twice.
        return await self._store.submit(submissions, in_one_commit=in_one_commit)

    def watch(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called behind each commit of facts, whoever made it."""
        self._watchers.append(told)
        unwatch = self._store.watch(told)

        def end() -> None:
            self._watchers.remove(told)
            unwatch()

        return end

    async def close(self) -> None:
        """Let the process finish, then close the store."""
        self._closing.set()
        await self.at_rest()
        await self._store.close()

    async def at_rest(self) -> None:
        """Wait for as long as there is a process."""
        if self._life is not None:
            # Whoever gives up waiting does not end it.
            await asyncio.wait([self._life])

    def _count(self, facts: int) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._second >= 1.0:
            self._second, self._facts = now_s, 0
        self._facts += facts
        if self._facts >= self._pace.many and now_s >= self._not_before and not self._closing.is_set():
            self._life = asyncio.create_task(self._live())

    async def _live(self) -> None:
        """The process's life, from its beginning until it is let go or dies."""
        try:
            self._recorder, self._process = await begin_recorder(self._path, self._tell)
        except Exception as fault:  # noqa: BLE001 - it is told, and facts go on being recorded here
            self._happen(Happened.REFUSED, fault)
        else:
            await self._let_live(self._recorder, self._process)
        finally:
            self._recorder = self._process = self._life = None

    async def _let_live(self, recorder: Recorder, process: "subprocess.Popen[bytes]") -> None:
        await _one_of((recorder.heard, self._closing), self._pace.begin_s)
        if recorder.is_ready:
            self._happen(Happened.BEGUN, process.pid)
            watch = asyncio.create_task(self._kill_if_it_hangs(recorder, process))
            await self._while_needed(recorder)
            watch.cancel()
        if recorder.is_ready:
            self._happen(Happened.LET_GO, process.pid)
        elif recorder.ended.is_set() or not self._closing.is_set():
            self._happen(Happened.DIED, process.pid)
        self._end(recorder, process)
        await asyncio.to_thread(self._wait_for, process)
        await recorder.ended.wait()

    def _end(self, recorder: Recorder, process: "subprocess.Popen[bytes]") -> None:
        if not recorder.is_ready:
            # Dead, or still loading: it was asked nothing, and would be waited for.
            process.kill()
        recorder.let_go()

    def _happen(self, happened: Happened, what: int | Exception) -> None:
        now_s = asyncio.get_running_loop().time()
        if happened is Happened.BEGUN:
            self._rests.begun(now_s)
        elif happened in {Happened.REFUSED, Happened.DIED}:
            self._not_before = now_s + self._rests.after_failure(now_s)
        self._on_happened(happened, what)

    async def _while_needed(self, recorder: Recorder) -> None:
        asked = -1
        while recorder.is_ready and recorder.asked != asked and not self._closing.is_set():
            asked = recorder.asked
            await _one_of((recorder.ended, self._closing), self._pace.idle_s)

    async def _kill_if_it_hangs(self, recorder: Recorder, process: "subprocess.Popen[bytes]") -> None:
        oldest = None
        while oldest is None or recorder.oldest != oldest:
            oldest = recorder.oldest
            await asyncio.sleep(self._pace.hang_s)
        process.kill()

    def _wait_for(self, process: "subprocess.Popen[bytes]") -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(self._pace.end_s)
            return
        process.kill()
        process.wait()

    def _tell(self) -> None:
        for told in self._watchers:
            told()


async def _one_of(events: Iterable[asyncio.Event], within_s: float) -> None:
    """Wait until one of them happens, but no longer."""
    waits = [asyncio.ensure_future(each.wait()) for each in events]
    await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    for each in waits:
        each.cancel()
