"""What is said to a recorder's process, and what becomes of questions when it is not there to answer."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import pytest

from calltally.calls.events import Outcome
from calltally.store.backends.recorder.client import Recorder
from calltally.store.backends.recorder.frames import Answer, Frames, frame, hello, read_questions
from calltally.store.db.interface import Recorded, Submission
from tests.telling import fact

GOOD = Submission("acme", fact(1))
# 64 bits are the most that MessagePack has.
BAD = Submission("acme", fact(2, metadata={"number": 2**70}))
APPLIED = Recorded(Outcome.APPLIED, None, b"0" * 16, 1)


class Wire(asyncio.Transport):
    """Keeps what is written; as strict as a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_over
        self.written += data

    def write_eof(self) -> None:
        assert not self.is_over
        self.is_over = True

    def is_closing(self) -> bool:
        return self.is_over

    def asked(self) -> list[list[int]]:
        """The numbers of each frame."""
        return [[number for number, _ in read_questions(body)] for body in Frames().feed(bytes(self.written))]


P = ParamSpec("P")


def in_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(test(*arguments, **named))

    return run


def made() -> tuple[Recorder, Wire]:
    """A recorder that may be asked."""
    recorder, wire = Recorder(lambda: None), Wire()
    recorder.connection_made(wire)
    recorder.data_received(hello())
    return recorder, wire


@in_a_loop
async def test_what_cannot_be_put_in_a_frame_is_not_asked() -> None:
    recorder, wire = made()
    first, bad, last = (recorder.ask([each]) for each in (GOOD, BAD, GOOD))
    await asyncio.sleep(0)
    assert await bad is None
    assert wire.asked() == [[1], [3]]
    answers: list[Answer] = [(1, [APPLIED]), (3, None)]
    recorder.data_received(frame(answers))
    assert (await first, await last) == ([APPLIED], None)
    assert recorder.waiting == 0


@in_a_loop
async def test_of_very_much_the_first_is_asked_before_the_rest_is_there() -> None:
    recorder, wire = made()
    waiting = [recorder.ask([GOOD]) for _ in range(40)]
    assert [len(numbers) for numbers in wire.asked()] == [16, 16]
    await asyncio.sleep(0)
    assert wire.asked() == [list(range(1, 17)), list(range(17, 33)), list(range(33, 41))]
    recorder.data_received(frame([(number, [APPLIED]) for number in range(1, 41)]))
    assert [await each for each in waiting] == [[APPLIED]] * 40


async def handed_out(monkeypatch: pytest.MonkeyPatch, many: int, *turns_s: float) -> list[int]:
    """How many of so many who wait go on by each turn of a loop that begins its turns at these times."""
    recorder, _ = made()
    clock = iter(turns_s)
    monkeypatch.setattr("calltally.store.backends.recorder.client.perf_counter", lambda: next(clock))
    waiting = [recorder.ask([GOOD]) for _ in range(many)]
    recorder.data_received(frame([(number, [APPLIED]) for number in range(1, many + 1)]))
    answered = []
    while not waiting[-1].done():
        await asyncio.sleep(0)
        answered.append(sum(each.done() for each in waiting))
    return answered


@in_a_loop
async def test_of_many_answers_the_loop_looks_for_questions_between_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await handed_out(monkeypatch, 20, 0.0, 0.001, 0.002, 0.003) == [10, 18, 20]


@in_a_loop
async def test_where_others_take_long_in_the_loop_all_go_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await handed_out(monkeypatch, 60, 0.0, 0.001, 0.1) == [30, 60]


@in_a_loop
async def test_an_answer_to_what_nobody_asked_is_passed_over() -> None:
    recorder, _ = made()
    asked = recorder.ask([GOOD])
    recorder.data_received(frame([(7, [APPLIED]), (1, [APPLIED]), (1, None)]))
    assert await asked == [APPLIED]
    assert recorder.waiting == 0


@in_a_loop
async def test_what_was_answered_before_it_died_is_not_asked_again() -> None:
    recorder, _ = made()
    waiting = [recorder.ask([GOOD]) for _ in range(20)]
    recorder.data_received(frame([(number, [APPLIED]) for number in range(1, 19)]))
    recorder.connection_lost(None)
    assert [await each for each in waiting] == [[APPLIED]] * 18 + [None] * 2
    await asyncio.sleep(0)
    assert recorder.waiting == 0


@in_a_loop
async def test_what_was_asked_in_the_turn_of_its_end_is_asked_once() -> None:
    recorder, wire = made()
    future = recorder.ask([GOOD])
    recorder.let_go()
    # What was to be sent when the loop has gone round, after the end.
    await asyncio.sleep(0)
    assert wire.asked() == [[1]]
    recorder.connection_lost(None)
    assert await future is None


@in_a_loop
async def test_nothing_is_written_to_a_socket_that_is_closing() -> None:
    recorder, wire = made()
    wire.write_eof()
    future = recorder.ask([GOOD])
    await asyncio.sleep(0)
    recorder.let_go()
    recorder.connection_lost(None)
    assert await future is None
    assert not wire.written
