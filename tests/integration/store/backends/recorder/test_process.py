"""The process that records facts, asked by hand: it ends with who asks it, and has answered then."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from calltally.calls.events import Outcome
from calltally.store.backends.group_commit import MOST_FACTS
from calltally.store.backends.open import open_store, sqlite_path
from calltally.store.backends.recorder.frames import Answer, Frames, asking, frame, hello, read_answers
from calltally.store.db.interface import Recorded, Submission
from calltally.store.tenants.tenants import add_tenant, new_epoch
from tests.conftest import NOW_US, TENANT
from tests.telling import fact

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

WITHIN_S = 30
# Their answers are more than the kernel keeps of a socket that nobody reads.
MANY = 100_000


@contextmanager
def recorder(url: str) -> Iterator[tuple[socket.socket, "subprocess.Popen[bytes]"]]:
    """Our end of a process that said that it is ready."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "calltally.store.backends.recorder.process", str(sqlite_path(url))]
    with ours, theirs, subprocess.Popen(command, stdin=theirs.fileno(), stderr=subprocess.PIPE) as process:
        theirs.close()
        ours.settimeout(WITHIN_S)
        assert ours.recv(len(hello())) == hello()
        try:
            yield ours, process
        finally:
            process.kill()


def told(numbers: range, tenant: str = TENANT) -> list[Submission]:
    return [Submission(tenant, fact(n, f"CA{n:032x}", status="ringing")) for n in numbers]


async def add_acme(url: str) -> None:
    store = open_store(url, lambda: NOW_US)
    await store.write(add_tenant(TENANT, TENANT, NOW_US, new_epoch()))
    await store.close()


def answers(url: str, *questions: list[Submission]) -> dict[int, list[Recorded] | None]:
    """What becomes of questions that are asked in one frame, by their places in it."""
    asyncio.run(add_acme(url))
    frames, answered = Frames(), list[Answer]()
    with recorder(url) as (ours, _process):
        ours.sendall(asking(list(enumerate(questions))))
        ours.shutdown(socket.SHUT_WR)
        while data := ours.recv(1 << 16):
            answered += [each for body in frames.feed(data) for each in read_answers(body)]
    return dict(answered)


def outcomes_of(answered: dict[int, list[Recorded] | None]) -> dict[int, list[Outcome] | None]:
    return {n: None if told is None else [each.outcome for each in told] for n, told in answered.items()}


def test_the_facts_of_a_frame_are_recorded_together_and_answered_question_by_question(
    new_database: Callable[[], str],
) -> None:
    answered = answers(new_database(), told(range(2)), told(range(1, 3)), [], told(range(3, 4)))
    assert outcomes_of(answered) == {
        0: [Outcome.APPLIED, Outcome.APPLIED],
        1: [Outcome.DUPLICATE, Outcome.APPLIED],
        2: [],
        3: [Outcome.APPLIED],
    }
    assert [each.revision for number in (0, 1, 3) for each in answered[number] or []] == [1, 2, 2, 3, 4]


def test_one_question_that_cannot_be_recorded_costs_the_others_of_its_frame_nothing(
    new_database: Callable[[], str],
) -> None:
    questions = [told(range(n, n + 1), tenant="nobody" if n == 7 else TENANT) for n in range(16)]
    answered = answers(new_database(), *questions)
    assert outcomes_of(answered) == {n: None if n == 7 else [Outcome.APPLIED] for n in range(16)}


def test_of_a_frame_of_several_commits_each_question_is_for_itself(new_database: Callable[[], str]) -> None:
    many = MOST_FACTS // 2
    answered = answers(
        new_database(),
        told(range(many)),
        told(range(many, many + 1), tenant="nobody"),
        told(range(many, 2 * many)),
    )
    assert {number: told and len(told) for number, told in answered.items()} == {0: many, 1: None, 2: many}


def test_it_ends_when_all_its_answers_were_taken(new_database: Callable[[], str]) -> None:
    with recorder(new_database()) as (ours, process):
        ours.sendall(frame([(number, ()) for number in range(MANY)]))
        ours.shutdown(socket.SHUT_WR)
        frames, answered = Frames(), list[int]()
        while data := ours.recv(1 << 16):
            answered += [number for body in frames.feed(data) for number, _ in read_answers(body)]
        assert sorted(answered) == list(range(MANY))
        assert process.wait(WITHIN_S) == 0


def test_it_ends_over_what_it_cannot_read_and_says_so(new_database: Callable[[], str]) -> None:
    with recorder(new_database()) as (ours, process):
        ours.sendall(b"\0\0\0\1?")
        assert ours.recv(1) == b""
        _, said = process.communicate(timeout=WITHIN_S)
        assert b"msgspec" in said
        assert process.returncode == 0


def test_it_ends_with_whoever_asks_it(new_database: Callable[[], str]) -> None:
    with recorder(new_database()) as (ours, process):
        ours.close()
        assert process.wait(WITHIN_S) == 0
