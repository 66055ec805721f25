"""Long polls without a clock: the tests control each round of reads."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest

from calltally.calls.errors import Unavailable
from calltally.web.request.long_poll import LongPolls

# Long enough that only the awaited revision can end the wait.
LONG_S = 60


class Ledgers:
    """Heads of tenants, with a count of reads. `moves` are the changes that a read applies."""

    def __init__(self, **heads: int) -> None:
        self.heads = heads
        self.reads = Counter[str]()
        self.moves: dict[int, dict[str, int]] = {}
        self.fault: Exception | None = None

    async def read_head(self, tenant: str) -> int:
        await asyncio.sleep(0)
        self.reads[tenant] += 1
        self.heads |= self.moves.get(self.reads.total(), {})
        if self.fault:
            raise self.fault
        return self.heads[tenant]


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_waiter_behind_the_head_needs_one_read() -> None:
    async def work() -> None:
        ledgers = Ledgers(acme=5)
        await LongPolls(ledgers.read_head, pause_s=0).wait_for_revision("acme", 4, LONG_S)
        assert ledgers.reads == {"acme": 1}

    run(work())


def test_all_waiters_share_one_read_per_round() -> None:
    async def work() -> None:
        ledgers = Ledgers(acme=5)
        ledgers.moves = {7: {"acme": 6}}
        polls = LongPolls(ledgers.read_head, pause_s=0)
        await asyncio.gather(*(polls.wait_for_revision("acme", 5, LONG_S) for _ in range(100)))
        assert ledgers.reads == {"acme": 7}

    run(work())


def test_each_waiter_returns_at_its_revision() -> None:
    async def work() -> None:
        ledgers = Ledgers(acme=5)
        ledgers.moves = {look: {"acme": 5 + look} for look in range(1, 5)}
        polls, order = LongPolls(ledgers.read_head, pause_s=0), []

        async def wait(revision: int) -> None:
            await polls.wait_for_revision("acme", revision, LONG_S)
            order.append(revision)
            assert ledgers.heads["acme"] > revision

        await asyncio.gather(*map(wait, (8, 6, 7, 5)))
        assert order == [5, 6, 7, 8]

    run(work())


def test_tenants_wait_independently() -> None:
    async def work() -> None:
        ledgers = Ledgers(acme=5, bolt=1)
        polls = LongPolls(ledgers.read_head, pause_s=0)
        waiting = asyncio.create_task(polls.wait_for_revision("bolt", 1, LONG_S))
        await polls.wait_for_revision("acme", 4, LONG_S)
        assert not waiting.done()
        ledgers.heads["bolt"] = 2
        await waiting

    run(work())


@pytest.mark.parametrize("pause_s", [0, LONG_S])
def test_waiter_returns_after_its_timeout(pause_s: float) -> None:
    async def work() -> None:
        ledgers = Ledgers(acme=5)
        polls = LongPolls(ledgers.read_head, pause_s=pause_s)
        await polls.wait_for_revision("acme", 5, 0.01)
        assert ledgers.heads == {"acme": 5}
        assert ledgers.reads["acme"] >= 1
        assert list(polls._waiting.values()) in ([], [[]])

    run(work())


def test_polling_ends_without_waiters() -> None:
    async def work() -> None:
        ledgers = Ledgers(acme=5)
        polls = LongPolls(ledgers.read_head, pause_s=0)
        waiting = [asyncio.create_task(polls.wait_for_revision("acme", 5, LONG_S)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting.pop().cancel()
        ledgers.heads["acme"] = 6
        await asyncio.gather(*waiting)
        await asyncio.gather(*polls._pollers.values())
        assert (polls._waiting, polls._pollers) == ({}, {})
        reads_before = ledgers.reads["acme"]
        await polls.wait_for_revision("acme", 5, LONG_S)
        assert ledgers.reads["acme"] == reads_before + 1

    run(work())


def test_read_error_reaches_all_waiters_and_the_next_wait_retries() -> None:
    async def work() -> None:
        ledgers = Ledgers(acme=5)
        polls = LongPolls(ledgers.read_head, pause_s=0)
        ledgers.fault = Unavailable("the database is away")
        results = await asyncio.gather(
            *(polls.wait_for_revision("acme", 5, LONG_S) for _ in range(3)), return_exceptions=True
        )
        assert results == [ledgers.fault] * 3
        ledgers.fault = None
        await polls.wait_for_revision("acme", 4, LONG_S)

    run(work())


def test_close_releases_all_waiters() -> None:
    async def work() -> None:
        ledgers = Ledgers(acme=5, bolt=1)
        polls = LongPolls(ledgers.read_head, pause_s=0)
        waiting = [
            asyncio.create_task(polls.wait_for_revision(tenant, 9, LONG_S))
            for tenant in ("acme", "acme", "bolt")
        ]
        await asyncio.sleep(0)
        await polls.close()
        await asyncio.gather(*waiting)
        # New waiters return at once too.
        await polls.wait_for_revision("acme", 9, LONG_S)
        assert (polls._waiting, polls._pollers) == ({}, {})

    run(work())
