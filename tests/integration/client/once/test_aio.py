"""Blocks and readers over async connections."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import psycopg
import pytest

from calltally.client import once
from calltally.client.once import Outcome, Progress, aio
from tests.integration.client.once.sample_events import MINUTE_US, Clock, Crash, SampleState

STATE = SampleState()


@pytest.fixture(params=[False, True], ids=["transactions", "autocommit"])
def autocommit(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Receiver:
    def __init__(self, url: str, *, autocommit: bool) -> None:
        self._url = url
        self._autocommit = autocommit

    def connect(self) -> Coroutine[Any, Any, psycopg.AsyncConnection]:
        return psycopg.AsyncConnection.connect(self._url, autocommit=self._autocommit)

    async def rows(self, sql: str) -> list[Any]:
        async with await self.connect() as other:
            return await (await other.execute(sql)).fetchall()


@pytest.fixture
def receiver(postgres_url: str, *, autocommit: bool) -> Receiver:
    async def work() -> None:
        async with await made.connect() as here:
            await aio.install(here)
            await aio.install(here)

    made = Receiver(postgres_url, autocommit=autocommit)
    asyncio.run(work())
    return made


def test_claim_and_effect_are_one_transaction(receiver: Receiver) -> None:
    async def work() -> None:
        async with await receiver.connect() as here:
            with pytest.raises(Crash):
                await crash(aio.same_transaction(here, STATE.event()))
            for expected in (Outcome.RUN, Outcome.REPEAT):
                async with aio.same_transaction(here, STATE.event()) as claim:
                    assert claim.outcome is expected
            assert await receiver.rows("SELECT count(*) FROM calltally_once_events") == [(2,)]
            assert [each.progress async for each in aio.entries(here)] == [Progress.DONE]
            assert len([each async for each in aio.events(here)]) == 2

    asyncio.run(work())


def test_at_least_once(receiver: Receiver) -> None:
    async def work() -> None:
        clock = Clock()
        async with await receiver.connect() as here, await receiver.connect() as other:
            with pytest.raises(Crash):
                await crash(aio.at_least_once(here, STATE.event(), clock=clock))
            assert [each.reason async for each in aio.unfinished(here)] == ["Crash: half done"]
            with pytest.raises(once.Overtaken):
                await be_overtaken(here, other, clock)
            async with aio.at_least_once(here, STATE.event(), clock=clock) as claim:
                assert claim.outcome is Outcome.REPEAT
            with pytest.raises(Crash):
                await crash(aio.at_least_once(here, STATE.event(), clock=clock))

    asyncio.run(work())


async def crash(block: AbstractAsyncContextManager[once.Claim]) -> None:
    async with block:
        raise Crash("half done")


async def be_overtaken(here: psycopg.AsyncConnection, other: psycopg.AsyncConnection, clock: Clock) -> None:
    async with aio.at_least_once(here, STATE.event(), clock=clock) as claim:
        await aio.extend(here, claim, clock=clock)
        clock.now_us += MINUTE_US
        async with aio.at_least_once(other, STATE.event(), clock=clock) as later:
            assert later.attempt == 3


def test_at_most_once(receiver: Receiver) -> None:
    async def work() -> None:
        async with await receiver.connect() as here:
            with pytest.raises(Crash):
                await crash(aio.at_most_once(here, STATE.event()))
            async with aio.at_most_once(here, STATE.event()) as claim:
                assert claim.outcome is Outcome.UNCERTAIN
            [uncertain] = [each async for each in aio.unfinished(here)]
            await aio.settle(here, uncertain, happened=False, reason="asked")
            async with aio.at_most_once(here, uncertain.final_state) as claim:
                assert claim.attempt == 2

    asyncio.run(work())


def test_effect_of_a_cancelled_task_has_failed(receiver: Receiver) -> None:
    async def work() -> None:
        async with await receiver.connect() as here:
            started = asyncio.Event()

            async def endless() -> None:
                async with aio.at_least_once(here, STATE.event()):
                    started.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(endless())
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [each.reason async for each in aio.unfinished(here)] == ["CancelledError: "]

    asyncio.run(work())


def test_connection_kinds_and_open_transactions_are_checked(receiver: Receiver) -> None:
    async def work() -> None:
        async with await receiver.connect() as here:
            with pytest.raises(once.WrongConnection, match=r"use calltally\.client\.once\.aio"):
                once.install(here)
            await here.execute("BEGIN" if here.autocommit else "SELECT 1")
            with pytest.raises(once.TransactionOpen):
                async with aio.at_most_once(here, STATE.event()):
                    pass

    asyncio.run(work())
