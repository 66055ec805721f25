"""The process that records facts, from the side of the service that began it."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final, TypeAlias, cast

from calltally.store.backends.recorder.frames import NOT_OURS, Answer, Frames, asking, read_answers
from calltally.store.db.interface import Recorded, Submission

# Of 64 callbacks that come at once the process has the first when a quarter of them was read.
_TOGETHER: Final = 16
# So many who waited, or half of them, go on before the loop looks whether others ask: else all would be
# answered before the next is read, and the process have nothing to do meanwhile. But where a turn of the
# loop is long, as it has other work, they would only wait for that once more.
_GO_ON: Final = 8
_LONG_TURN_S: Final = 0.0015
_Waiting: TypeAlias = "asyncio.Future[list[Recorded] | None]"


class Recorder(asyncio.Protocol):
    """Asks the process, and hears of its end: then nothing that it was asked is known to be recorded.

    `told` is called behind each frame of answers, for those who look on at commits.
    """

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._frames = Frames()
        self._waiting: dict[int, _Waiting] = {}
        self._questions: list[tuple[int, Sequence[Submission]]] = []
        self._answers: deque[Answer] = deque()
        self._transport: asyncio.Transport | None = None
        # Whether it may be asked; `heard` is set once it may, or has ended before.
        self.is_ready = False
        self.asked = 0
        self.heard, self.ended = asyncio.Event(), asyncio.Event()

    @property
    def waiting(self) -> int:
        """Questions of which whoever asked has no answer yet."""
        return len(self._waiting)

    @property
    def oldest(self) -> int | None:
        """The number of the question that waits longest."""
        return next(iter(self._waiting), None)

    def ask(self, submissions: Sequence[Submission]) -> _Waiting:
        """What becomes of these facts; None where the process did not record them, or died over it.

        What is asked in one turn of the loop goes together, but not so much that the process would wait for
        it with nothing to do.
        """
        loop = asyncio.get_running_loop()
        self.asked += 1
        number, future = self.asked, loop.create_future()
        self._waiting[number] = future
        if not self._questions:
            loop.call_soon(self._flush)
        self._questions.append((number, submissions))
        if len(self._questions) >= _TOGETHER:
            self._flush()
        return future

    def _flush(self) -> None:
        asked, self._questions = self._questions, []
        transport = self._open()
        if asked and transport is not None:
            transport.writelines(self._frames_of(asked))

    def _frames_of(self, asked: list[tuple[int, Sequence[Submission]]]) -> list[bytes]:
        """One frame, or one for each question where that cannot be written; what cannot is not asked."""
        try:
            return [asking(asked)]
        except Exception:  # noqa: BLE001 - it is raised anew where the facts are recorded, for their sender
            if len(asked) > 1:
                return [framed for each in asked for framed in self._frames_of([each])]
            _resolve(self._waiting.pop(asked[0][0]), None)
            return []

    def let_go(self) -> None:
        """Ask nothing more: it answers what it was asked, and ends."""
        self._flush()
        self.is_ready = False
        if (transport := self._open()) is not None:
            transport.write_eof()

    def _open(self) -> asyncio.Transport | None:
        """What can be written to. Of a process that died it is closed before its end is heard of."""
        transport = self._transport
        return None if transport is None or transport.is_closing() else transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there; the process has yet to load its code."""
        # Not asked by isinstance: uvloop's transports are no subclass.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Whoever waits for these answers has them; an empty frame says that it may be asked."""
        for body in self._frames.feed(data):
            if answers := read_answers(body):
                if not self._answers:
                    asyncio.get_running_loop().call_soon(self._hand_out, perf_counter())
                self._answers.extend(answers)
                self._told()
            else:
                self.is_ready = True
                self.heard.set()

    def _hand_out(self, since_s: float) -> None:
        """Let some go on; `since_s` is when the last were, or when the answers came."""
        now_s, waiting = perf_counter(), len(self._answers)
        is_long = now_s - since_s > _LONG_TURN_S
        self._answer(waiting if is_long else max(_GO_ON, waiting // 2))
        if self._answers:
            asyncio.get_running_loop().call_soon(self._hand_out, now_s)

    def _answer(self, most: int) -> None:
        for _ in range(min(most, len(self._answers))):
            number, recorded = self._answers.popleft()
            # To fail over an answer that nobody asked for would leave those behind it waiting.
            if (future := self._waiting.pop(number, None)) is not None:
                _resolve(future, recorded)

    def connection_lost(self, _fault: Exception | None) -> None:
        """It has ended, let go or not."""
        self.is_ready, self._transport = False, None
        self._answer(len(self._answers))
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            _resolve(future, None)
        self.heard.set()
        self.ended.set()


async def begin_recorder(path: Path, told: Callable[[], None]) -> tuple[Recorder, "subprocess.Popen[bytes]"]:
    """Begin the process for the database at `path`. It says itself when it is ready.

    Raises OSError where the system has no process or socket to give.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        loop = asyncio.get_running_loop()
        transport, recorder = await loop.create_connection(lambda: Recorder(told), sock=ours)
        try:
            return recorder, await asyncio.to_thread(_spawn, path, theirs)
        except BaseException:
            transport.abort()
            raise


def _spawn(path: Path, asked: socket.socket) -> "subprocess.Popen[bytes]":
    """In a thread of its own, whose mask of signals the process inherits: it must not die while it loads."""
    # Without -P it would load whatever in the working directory has the name of a module.
    command = [sys.executable, "-P", "-m", "calltally.store.backends.recorder.process", str(path)]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NOT_OURS)
    try:
        return subprocess.Popen(command, stdin=asked.fileno(), stdout=subprocess.DEVNULL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _resolve(future: _Waiting, recorded: list[Recorded] | None) -> None:
    if not future.done():
        future.set_result(recorded)
