"""The process that records facts, from the side of the service that began it."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias, cast

from calltally.store.recorder_frames import Frames, frame, read_answers
from calltally.store.store import Recorded, Submission

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
        self._transport: asyncio.Transport | None = None
        # Whether it may be asked; `heard` is set once it may, or has ended before.
        self.is_ready = False
        self.asked = 0
        self.heard, self.ended = asyncio.Event(), asyncio.Event()

    @property
    def waiting(self) -> int:
        """Questions that were not answered yet."""
        return len(self._waiting)

    def ask(self, submissions: Sequence[Submission]) -> _Waiting:
        """What becomes of these facts; None where the process did not record them, or died over it.

        All that is asked in one turn of the loop goes together.
        """
        loop = asyncio.get_running_loop()
        self.asked += 1
        number, future = self.asked, loop.create_future()
        self._waiting[number] = future
        if not self._questions:
            loop.call_soon(self._flush)
        self._questions.append((number, submissions))
        return future

    def _flush(self) -> None:
        if self._transport is not None:
            self._transport.write(frame(self._questions))
        self._questions = []

    def let_go(self) -> None:
        """Ask nothing more: it answers what it was asked, and ends."""
        self.is_ready = False
        if self._transport is not None:
            self._flush()
            self._transport.write_eof()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there; the process has yet to load its code."""
        # Not asked by isinstance: uvloop's transports are no subclass.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Whoever waits for these answers has them; an empty frame says that it may be asked."""
        for body in self._frames.feed(data):
            if answers := read_answers(body):
                for number, recorded in answers:
                    _resolve(self._waiting.pop(number), recorded)
                self._told()
            else:
                self.is_ready = True
                self.heard.set()

    def connection_lost(self, _fault: Exception | None) -> None:
        """It has ended, let go or not."""
        self.is_ready, self._transport = False, None
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            _resolve(future, None)
        self.heard.set()
        self.ended.set()


async def begin_recorder(path: Path, told: Callable[[], None]) -> tuple[Recorder, "subprocess.Popen[bytes]"]:
    """Begin the process for the database at `path`. It says itself when it is ready."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.to_thread(_spawn, path, theirs)
    _, recorder = await asyncio.get_running_loop().create_connection(lambda: Recorder(told), sock=ours)
    return recorder, process


def _spawn(path: Path, asked: socket.socket) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "calltally.store.recorder_process", str(path)]
    return subprocess.Popen(command, stdin=asked.fileno(), stdout=subprocess.DEVNULL)


def _resolve(future: _Waiting, recorded: list[Recorded] | None) -> None:
    if not future.done():
        future.set_result(recorded)
