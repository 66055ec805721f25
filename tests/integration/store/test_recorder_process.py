"""The process that records facts, asked by hand: it ends with who asks it, and has answered then."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from calltally.store.opening import sqlite_path
from calltally.store.recorder_frames import Frames, frame, hello, read_answers

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

WITHIN_S = 30
# Their answers are more than the kernel keeps of a socket that nobody reads.
MANY = 100_000


@contextmanager
def recorder(url: str) -> Iterator[tuple[socket.socket, "subprocess.Popen[bytes]"]]:
    """Our end of a process that said that it is ready."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "calltally.store.recorder_process", str(sqlite_path(url))]
    with ours, theirs, subprocess.Popen(command, stdin=theirs.fileno(), stderr=subprocess.PIPE) as process:
        theirs.close()
        ours.settimeout(WITHIN_S)
        assert ours.recv(len(hello())) == hello()
        try:
            yield ours, process
        finally:
            process.kill()


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
