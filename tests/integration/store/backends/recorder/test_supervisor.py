"""A recorder beside a store: begun by many facts, let go when it is quiet; nothing is lost when it dies."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec

import pytest

from calltally.calls.errors import NotFound, Unavailable
from calltally.calls.events import Outcome
from calltally.store.backends.open import open_store, sqlite_path
from calltally.store.backends.recorder.frames import hello
from calltally.store.backends.recorder.supervisor import Happened, Pace, StoreApart
from calltally.store.db.interface import Recorded, Submission, WatchedStore
from calltally.store.tenants.tenants import add_tenant, new_epoch
from tests.conftest import NOW_US, TENANT
from tests.integration.store.probing import direct, verified
from tests.telling import fact
from tests.unmeasured import unmeasured

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

# Every fact is one of many, and nothing is let go before the test wants it to be.
EAGER = Pace(many=1, idle_s=600)
READY_WITHIN_S = 30
WRITERS = 32


P = ParamSpec("P")


def in_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(test(*arguments, **named))

    return run


@pytest.fixture(autouse=True)
def _unmeasured_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some are killed here while they end, which would leave half a file of coverage."""
    for name in os.environ.keys() - unmeasured().keys():
        monkeypatch.delenv(name)


class Taken(NamedTuple):
    """A store under test, and what happened to its process."""

    store: StoreApart
    happened: list[Happened]


@asynccontextmanager
async def apart(url: str, pace: Pace = EAGER, tenant: str = TENANT) -> AsyncIterator[Taken]:
    store, path = open_store(url, lambda: NOW_US), sqlite_path(url)
    assert path is not None
    assert isinstance(store, WatchedStore)
    await store.write(add_tenant(tenant, tenant, NOW_US, new_epoch()))
    happened: list[Happened] = []
    taken = Taken(StoreApart(store, path, lambda what, _pid: happened.append(what), pace), happened)
    try:
        yield taken
    finally:
        await taken.store.close()


async def until(holds: Callable[[], bool], store: StoreApart, numbers: "count[int]") -> None:
    """Tell of one call after the other until something holds."""
    async with asyncio.timeout(READY_WITHIN_S):
        while not holds():
            await store.submit([told(next(numbers))])


def told(number: int, tenant: str = TENANT, status: str = "ringing") -> Submission:
    return Submission(tenant, fact(number, f"CA{number:032x}", status=status))


def facts_in(url: str) -> tuple[int, int]:
    """How many facts are there, and how many of them were told again."""
    with direct(url) as db:
        [(facts, repeats)] = db("SELECT count(*), coalesce(sum(repeats), 0) FROM facts")
    return facts, repeats


def pid_of(store: StoreApart) -> int:
    assert store.process_id is not None
    return store.process_id


def send_stops(process: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(process, number)


def program(folder: Path, does: str) -> str:
    """An executable in place of the recorder's."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o700)
    return str(path)


def hanging(folder: Path) -> str:
    """An executable that says it is ready, and then nothing."""
    ready = "".join(f"\\{byte:03o}" for byte in hello())
    return program(folder, f"printf '{ready}' >&0; exec sleep 600")


@in_a_loop
async def test_many_facts_are_recorded_by_a_process_of_their_own(new_database: Callable[[], str]) -> None:
    url, numbers = new_database(), count()
    async with apart(url) as (store, happened):
        assert not store.is_apart
        await until(lambda: store.is_apart, store, numbers)
        before = next(numbers)
        recorded = await asyncio.gather(*(store.submit([told(before + n)]) for n in range(WRITERS)))
        assert {each.outcome for [each] in recorded} == {Outcome.APPLIED}
        assert sorted(each.revision or 0 for [each] in recorded) == list(
            range(before + 1, before + 1 + WRITERS)
        )
        assert store.waiting == 0
        # What it wrote is seen here at once, and a repeat of it is known.
        [again] = await store.submit([told(before)])
        assert again == Recorded(Outcome.DUPLICATE, "already recorded", recorded[0][0].call_id, before + 1)
        assert (await verified(store)).findings == []
    assert happened == [Happened.BEGUN, Happened.LET_GO]
    assert facts_in(url) == (before + WRITERS, 1)


@in_a_loop
async def test_what_a_killed_process_left_is_recorded_here(new_database: Callable[[], str]) -> None:
    url, numbers = new_database(), count()
    async with apart(url, EAGER._replace(rest_s=600)) as (store, happened):
        await until(lambda: store.is_apart, store, numbers)
        under_way = [asyncio.ensure_future(store.submit([told(next(numbers))])) for _ in range(WRITERS)]
        # Somewhere within its first commits.
        await under_way[0]
        os.kill(pid_of(store), signal.SIGKILL)
        recorded = [each for [each] in await asyncio.gather(*under_way)]
        assert {each.outcome for each in recorded} <= {Outcome.APPLIED, Outcome.DUPLICATE}
        async with asyncio.timeout(READY_WITHIN_S):
            await store.at_rest()
        # Whoever dies is not begun again at once.
        await store.submit([told(next(numbers))])
        assert not store.is_apart
        assert (await verified(store)).findings == []
    assert happened == [Happened.BEGUN, Happened.DIED]
    assert facts_in(url)[0] == next(numbers)


@in_a_loop
async def test_what_cannot_be_recorded_says_why_and_nothing_else_waits_for_it(
    new_database: Callable[[], str],
) -> None:
    numbers = count()
    async with apart(new_database()) as (store, happened):
        await until(lambda: store.is_apart, store, numbers)
        good = asyncio.ensure_future(store.submit([told(next(numbers))]))
        with pytest.raises(NotFound, match="there is no tenant 'nobody'"):
            await store.submit([told(next(numbers), tenant="nobody")])
        [recorded] = await good
        assert recorded.outcome is Outcome.APPLIED
        assert store.is_apart
    assert happened == [Happened.BEGUN, Happened.LET_GO]


@in_a_loop
async def test_what_cannot_be_put_in_a_frame_fails_alone(new_database: Callable[[], str]) -> None:
    numbers = count()
    async with apart(new_database()) as (store, happened):
        await until(lambda: store.is_apart, store, numbers)
        # 64 bits are the most that MessagePack has.
        bad = fact(next(numbers), "CA" + "f" * 32, metadata={"number": 2**70})
        good = [asyncio.ensure_future(store.submit([told(next(numbers))])) for _ in range(2)]
        with pytest.raises(OverflowError):
            await store.submit([Submission(TENANT, bad)])
        good.append(asyncio.ensure_future(store.submit([told(next(numbers))])))
        async with asyncio.timeout(READY_WITHIN_S):
            assert {each.outcome for [each] in await asyncio.gather(*good)} == {Outcome.APPLIED}
        assert store.is_apart
    assert happened == [Happened.BEGUN, Happened.LET_GO]


@in_a_loop
async def test_where_no_process_can_be_begun_facts_are_recorded_here(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, numbers = new_database(), count()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(tmp_path / "missing"))
        async with apart(url, EAGER._replace(rest_s=600)) as (store, happened):
            for _ in range(WRITERS):
                await store.submit([told(next(numbers))])
            await store.at_rest()
            # It is not tried again for each fact.
            await store.submit([told(next(numbers))])
            assert store.process_id is None
    assert happened == [Happened.REFUSED]
    assert facts_in(url)[0] == next(numbers)


@in_a_loop
async def test_what_never_gets_ready_is_killed(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path, "exec sleep 600"))
    url, numbers = new_database(), count()
    async with apart(url, EAGER._replace(begin_s=0.05)) as (store, happened):
        async with asyncio.timeout(READY_WITHIN_S):
            await store.submit([told(next(numbers))])
            await store.at_rest()
        await store.submit([told(next(numbers))])
    assert happened == [Happened.DIED]
    # To close waits for it no longer.
    async with asyncio.timeout(READY_WITHIN_S), apart(url, tenant="other") as (store, happened):
        await until(lambda: store.process_id is not None, store, numbers)
    assert happened == []
    assert store.process_id is None


@in_a_loop
async def test_what_a_process_that_hangs_was_asked_is_recorded_here_in_the_end(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", hanging(tmp_path))
    numbers = count()
    async with apart(new_database(), EAGER._replace(end_s=0.05)) as (store, happened):
        await until(lambda: store.is_apart, store, numbers)
        asked = [asyncio.ensure_future(store.submit([told(next(numbers))])) for _ in range(2)]
        await asyncio.sleep(0)
        assert store.waiting == 2
        asked[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked[0]
    [recorded] = await asked[1]
    assert recorded.outcome is Outcome.APPLIED
    assert happened == [Happened.BEGUN, Happened.LET_GO]


@in_a_loop
async def test_what_hangs_is_killed(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", hanging(tmp_path))
    numbers = count()
    async with apart(new_database(), EAGER._replace(hang_s=0.05, rest_s=600)) as (store, happened):
        await until(lambda: store.is_apart, store, numbers)
        async with asyncio.timeout(READY_WITHIN_S):
            [recorded] = await store.submit([told(next(numbers))])
            await store.at_rest()
        assert recorded.outcome is Outcome.APPLIED
        assert happened == [Happened.BEGUN, Happened.DIED]


@in_a_loop
async def test_whoever_gives_up_waiting_for_it_does_not_end_it(new_database: Callable[[], str]) -> None:
    numbers = count()
    async with apart(new_database()) as (store, happened):
        await until(lambda: store.is_apart, store, numbers)
        waits = asyncio.ensure_future(store.at_rest())
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.wait([waits])
        [recorded] = await store.submit([told(next(numbers))])
        assert recorded.outcome is Outcome.APPLIED
        assert store.is_apart
    assert happened == [Happened.BEGUN, Happened.LET_GO]


@in_a_loop
async def test_it_is_let_go_when_nothing_comes(new_database: Callable[[], str]) -> None:
    numbers = count()
    async with apart(new_database(), EAGER._replace(idle_s=0.05)) as (store, happened):
        await until(lambda: store.is_apart, store, numbers)
        process = pid_of(store)
        async with asyncio.timeout(READY_WITHIN_S):
            await store.at_rest()
        assert store.process_id is None
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        assert happened == [Happened.BEGUN, Happened.LET_GO]
        # The next one is recorded here, and begins it again.
        [recorded] = await store.submit([told(next(numbers))])
        assert recorded.outcome is Outcome.APPLIED
        assert not store.is_apart
        await until(lambda: len(happened) == 3, store, numbers)
    assert happened == [Happened.BEGUN, Happened.LET_GO] * 2


@in_a_loop
async def test_closing_waits_for_what_was_asked(new_database: Callable[[], str]) -> None:
    url, numbers = new_database(), count()
    async with apart(url) as (store, _happened):
        await until(lambda: store.is_apart, store, numbers)
        under_way = [asyncio.ensure_future(store.submit([told(next(numbers))])) for _ in range(WRITERS)]
        await asyncio.sleep(0)
    recorded = await asyncio.gather(*under_way)
    assert {each.outcome for [each] in recorded} == {Outcome.APPLIED}
    assert facts_in(url)[0] == next(numbers)
    with pytest.raises(Unavailable):
        await store.submit([told(next(numbers))])


@in_a_loop
async def test_the_signals_of_a_supervisor_do_not_end_it(new_database: Callable[[], str]) -> None:
    numbers = count()
    async with apart(new_database()) as (store, happened):
        # Neither while it loads nor when it is there.
        await until(lambda: store.process_id is not None, store, numbers)
        assert not store.is_apart
        send_stops(pid_of(store))
        await until(lambda: store.is_apart, store, numbers)
        send_stops(pid_of(store))
        [recorded] = await store.submit([told(next(numbers))])
        assert recorded.outcome is Outcome.APPLIED
        assert store.is_apart
    assert happened == [Happened.BEGUN, Happened.LET_GO]


@in_a_loop
async def test_who_watches_is_told_of_its_commits(new_database: Callable[[], str]) -> None:
    numbers, seen = count(), list[int]()
    async with apart(new_database()) as (store, _happened):
        unwatch = store.watch(lambda: seen.append(store.is_apart))
        await until(lambda: store.is_apart, store, numbers)
        await store.submit([told(next(numbers))])
        assert seen[-1]
        assert not seen[0]
        unwatch()
        before = len(seen)
        await store.submit([told(next(numbers))])
        assert len(seen) == before


@in_a_loop
async def test_a_few_facts_begin_nothing(new_database: Callable[[], str]) -> None:
    async with apart(new_database(), Pace(many=1_000_000)) as (store, _happened):
        for number in range(WRITERS):
            await store.submit([told(number)])
        assert store.process_id is None
