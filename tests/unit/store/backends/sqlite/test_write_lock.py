"""Whose turn it is to write a file: one at a time, and who has just had it comes after who waits."""

import asyncio
import errno
import os
from collections.abc import Callable, Coroutine
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from calltally.calls.errors import Unavailable
from calltally.store.backends.sqlite import write_lock as turns
from calltally.store.backends.sqlite.write_lock import Turn

WAIT_S = 20.0


@pytest.fixture
def new_turn(tmp_path: Path) -> Callable[[], Turn]:
    """Each stands for a process: what the kernel tells apart is who opened the file."""
    return lambda: Turn(tmp_path / "calls.db")


def run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(work)


def test_one_at_a_time(new_turn: Callable[[], Turn]) -> None:
    inside: set[int] = set()

    async def write(turn: Turn, number: int) -> None:
        for _ in range(20):
            async with turn.taken(WAIT_S):
                inside.add(number)
                await asyncio.sleep(0)
                assert inside == {number}
                inside.remove(number)
        turn.close()

    async def work() -> None:
        await asyncio.gather(*(write(new_turn(), number) for number in range(5)))

    run(work())


def test_who_never_rests_does_not_keep_others_waiting(new_turn: Callable[[], Turn]) -> None:
    async def work() -> None:
        busy, seldom = new_turn(), new_turn()
        turns: list[str] = []
        stop = asyncio.Event()

        async def write_without_a_pause() -> None:
            while not stop.is_set():
                async with busy.taken(WAIT_S):
                    turns.append("busy")
                    # As a commit that waits for the disk.
                    await asyncio.to_thread(os.sync)

        writing = asyncio.create_task(write_without_a_pause())
        for _ in range(5):
            before = len(turns)
            async with seldom.taken(WAIT_S):
                # The turn that was under way, and at most one that began before we stood in the queue.
                assert len(turns) - before <= 2
        stop.set()
        await writing
        busy.close()
        seldom.close()

    run(work())


def test_who_writes_knows_that_another_waits(new_turn: Callable[[], Turn]) -> None:
    async def wait(turn: Turn) -> None:
        async with turn.taken(WAIT_S):
            pass

    async def work() -> None:
        first, second = new_turn(), new_turn()
        assert not first.is_wanted()
        async with first.taken(WAIT_S):
            assert not first.is_wanted()
            waiting = asyncio.create_task(wait(second))
            async with asyncio.timeout(WAIT_S):
                while not first.is_wanted():
                    await asyncio.to_thread(os.sync)
        await waiting
        assert not first.is_wanted()
        first.close()
        second.close()

    run(work())


def test_who_waits_in_vain_is_told_and_harms_nobody(new_turn: Callable[[], Turn]) -> None:
    async def work() -> None:
        first, second, third = new_turn(), new_turn(), new_turn()
        async with first.taken(WAIT_S):
            for _ in range(2):
                with pytest.raises(Unavailable, match=r"wrote for 0\.05 s"):
                    async with second.taken(0.05):
                        pass
        # What the second still stood in the queue for is given on.
        async with third.taken(WAIT_S):
            pass
        async with second.taken(WAIT_S), asyncio.timeout(WAIT_S):
            with pytest.raises(Unavailable):
                async with third.taken(0.05):
                    pass
        async with third.taken(WAIT_S):
            pass
        for turn in (first, second, third):
            turn.close()

    run(work())


def test_a_wait_can_be_given_up(new_turn: Callable[[], Turn]) -> None:
    async def wait(turn: Turn) -> None:
        async with turn.taken(WAIT_S):
            raise AssertionError("it was another's")

    async def work() -> None:
        first, second = new_turn(), new_turn()
        async with first.taken(WAIT_S):
            waiting = asyncio.create_task(wait(second))
            for _ in range(5):
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        async with second.taken(WAIT_S):
            pass
        first.close()
        second.close()

    run(work())


def test_a_process_that_is_killed_loses_its_turn(tmp_path: Path, new_turn: Callable[[], Turn]) -> None:
    begun, beginning = os.pipe()
    if (pid := os.fork()) == 0:

        async def hold() -> None:
            async with Turn(tmp_path / "calls.db").taken(WAIT_S):
                os.write(beginning, b".")
                await asyncio.Event().wait()

        asyncio.run(hold())
    assert os.read(begun, 1) == b"."

    async def work() -> None:
        turn = new_turn()
        with pytest.raises(Unavailable):
            async with turn.taken(0.05):
                pass
        os.kill(pid, 9)
        async with turn.taken(WAIT_S):
            pass
        turn.close()

    run(work())
    os.waitpid(pid, 0)
    os.close(begun)
    os.close(beginning)


def test_a_fault_of_the_system_is_told_and_the_next_has_the_turn(
    new_turn: Callable[[], Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [OSError(errno.ENOLCK, "No locks available")]

    def lock(file: int, how: int) -> None:
        # Only the thread waits for a lock.
        if how == LOCK_EX and faults:
            raise faults.pop()
        flock(file, how)

    monkeypatch.setattr(turns, "flock", lock)

    async def work() -> None:
        busy, waiting = new_turn(), new_turn()
        async with busy.taken(WAIT_S):
            with pytest.raises(Unavailable, match="No locks available"):
                async with waiting.taken(WAIT_S):
                    pass
        async with waiting.taken(WAIT_S):
            pass
        async with busy.taken(WAIT_S):
            late = asyncio.create_task(take(waiting))
            await asyncio.sleep(0)
        await late
        busy.close()
        waiting.close()

    async def take(turn: Turn) -> None:
        async with turn.taken(WAIT_S):
            pass

    run(work())
    assert faults == []
