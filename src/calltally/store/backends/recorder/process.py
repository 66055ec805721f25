"""`python -m calltally.store.backends.recorder.process DATABASE`: records facts for a busy service.

It has one ledger, an interpreter of its own, and nothing to do with HTTP. What it is asked comes by its
standard input, a socket, and is answered there; when that ends it finishes what it has and ends too. Signals
are for the service: what a supervisor sends to all of them at once must not end this one first.
"""

import asyncio
import gc
import signal
import socket
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias, cast

import uvloop

from calltally.calls.errors import Unavailable
from calltally.store.backends.group_commit import MOST_FACTS
from calltally.store.backends.recorder.frames import NOT_OURS, Answer, Frames, frame, hello, read_questions
from calltally.store.backends.sqlite.store import SqliteStore
from calltally.store.db.interface import Recorded, Store, Submission

_STDIN: Final = 0
# Questions that are answered together: the number of each, and its facts.
_Questions: TypeAlias = Sequence[tuple[int, Sequence[Submission]]]


class _Asked(asyncio.Protocol):
    """The service's end: questions in, answers out, those of one commit together."""

    def __init__(self, store: Store, ended: asyncio.Event) -> None:
        self._store = store
        self._ended = ended
        self._hung_up = asyncio.Event()
        self._frames = Frames()
        self._answers: list[Answer] = []
        self._under_way: set[asyncio.Task[list[Recorded]]] = set()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked by isinstance: uvloop's transports are no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(hello())

    def data_received(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            for questions in _recorded_at_once(list(read_questions(body))):
                self._begin(questions)

    def eof_received(self) -> bool:
        """The service asks nothing more, but waits for what it asked."""
        self._ended.set()
        return True

    def connection_lost(self, _fault: Exception | None) -> None:
        self._transport = None
        self._ended.set()
        self._hung_up.set()

    async def finish(self) -> None:
        """Answer all that was asked, and hang up."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)
            # Their answers are gathered by callbacks, which run once more round the loop.
            await asyncio.sleep(0)
        if self._transport is not None:
            self._flush()
            # With answers in it that the service has yet to take it closes later.
            self._transport.close()
            await self._hung_up.wait()

    def _begin(self, questions: _Questions) -> None:
        """One task for all of them: one for each would be 3 % of what a fact costs here."""
        told = [each for _number, submissions in questions for each in submissions]
        task = asyncio.ensure_future(self._store.submit(told))
        self._under_way.add(task)
        task.add_done_callback(lambda done: self._answer(questions, done))

    def _answer(self, questions: _Questions, done: "asyncio.Task[list[Recorded]]") -> None:
        """Why something was not recorded the service finds out by itself: it tries the same again."""
        self._under_way.discard(done)
        fault = done.exception()
        if fault is not None and len(questions) > 1 and not isinstance(fault, Unavailable):
            # It is the fault of one of them, and the others are not to wait for the service.
            for each in questions:
                self._begin([each])
            return
        if not self._answers:
            asyncio.get_running_loop().call_soon(self._flush)
        if fault is not None:
            self._answers += [(number, None) for number, _submissions in questions]
            return
        recorded = iter(done.result())
        self._answers += [(number, list(islice(recorded, len(told)))) for number, told in questions]

    def _flush(self) -> None:
        answers, self._answers = self._answers, []
        if self._transport is not None and answers:
            self._transport.write(frame(answers))


def _recorded_at_once(questions: _Questions) -> list[_Questions]:
    """Those of a frame, where one commit takes them: of several one might fail, and the others not."""
    facts = sum(len(submissions) for _number, submissions in questions)
    return [questions] if facts <= MOST_FACTS else [[each] for each in questions]


def _now_us() -> int:
    return time.time_ns() // 1000  # clock: this is the composition root of a process


async def _record(path: Path, asked: socket.socket) -> None:
    store, ended = SqliteStore(path, _now_us, only_records=True), asyncio.Event()
    # What was loaded is never looked through again.
    gc.collect()
    gc.freeze()
    try:
        loop = asyncio.get_running_loop()
        _, asking = await loop.create_connection(lambda: _Asked(store, ended), sock=asked)
        await ended.wait()
        await asking.finish()
    finally:
        await store.close()


def main(path: Path) -> None:
    """Record until the service lets go."""
    for number in NOT_OURS:
        signal.signal(number, signal.SIG_IGN)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_record(path, socket.socket(fileno=_STDIN)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
