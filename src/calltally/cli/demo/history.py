"""Loader of the demo's history: calls through the import path, and alerts through the evaluator.

The store's clock follows the history. So an alert of last week is dated last week, and each fact is received
shortly after its event.
"""

import asyncio
from bisect import bisect
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from itertools import chain, groupby
from typing import Final, NamedTuple

import uvloop

from calltally.alerts.conditions.current_conditions import current_conditions
from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.evaluator import SETTLED_S, AlertEvaluator, Conditions
from calltally.calls.events import Fact
from calltally.calls.times import DAY_US, SECOND_US
from calltally.ingest.ahead import reading_ahead
from calltally.ingest.event_body import parse_body
from calltally.ingest.imports import Chunk, chunks_of, import_chunks
from calltally.ingest.sample.calls import ROUTES, SampleMessage
from calltally.ingest.sample.traffic import TrafficPlan, calls_between, messages_in_order
from calltally.providers.callback import Callback
from calltally.providers.registry import WEBHOOKS
from calltally.store.backends.open import open_store
from calltally.store.db.interface import Store
from calltally.store.tenants.routes import Route, RouteTarget, checked_route

OLD_AGENT, NEW_AGENT = "otto-1", "otto-2"
# Time between two evaluations during an incident and after it; otherwise a day.
_DURING_US: Final = 600 * SECOND_US
_AFTER_US: Final = 1_800 * SECOND_US
_RECOVERY_US: Final = DAY_US // 2
# Calls of the last days have all their messages.
_IN_FULL_US: Final = 2 * DAY_US
# The last message of a call comes some seconds after its end. A call that goes on at the end is left out.
_LAST_MESSAGE_US: Final = 30 * SECOND_US


class HistoryLoad(NamedTuple):
    """Load of a tenant's history between two times."""

    database_url: str
    tenant: str
    plan: TrafficPlan
    from_us: int
    to_us: int

    def stops(self) -> list[int]:
        """Return the times of the evaluations: midnights, those around incidents, the launch, and the end."""
        plan = self.plan
        outage_end_us = plan.outage.to_us or self.to_us
        times = chain(
            range(self.from_us - self.from_us % DAY_US, self.to_us, DAY_US),
            range(plan.outage.from_us, outage_end_us, _DURING_US),
            range(outage_end_us, outage_end_us + _RECOVERY_US, _AFTER_US),
            range(plan.current.from_us, self.to_us, _DURING_US),
            [plan.launch.from_us, self.to_us],
        )
        return sorted({at_us for at_us in times if self.from_us < at_us <= self.to_us})


class _HistoryClock:
    """Clock at the time of the facts that are being recorded."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


def load_history(load: HistoryLoad) -> None:
    """Record the calls that have ended by the end of the load, and raise the alerts of that time.

    A forked process generates and parses the messages, so this one must not have threads yet.
    """
    with reading_ahead(_chunks(load)) as chunks, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_record(load, chunks))


def facts_of(message: SampleMessage, received_us: int) -> Sequence[Fact]:
    """Return the facts of a message, as its endpoint reads it."""
    if not message.provider:
        [event] = parse_body(message.encoded(), ndjson=False, now_us=received_us)
        return [event.fact] if event.fact else []
    headers = {"content-type": message.content_type}
    callback = Callback("POST", "", headers, message.encoded(), received_us)
    return WEBHOOKS[message.provider].facts_of(callback)


def routes_at(plan: TrafficPlan, at_us: int) -> list[Route]:
    """Return the routes with their agents at a time: the launch changes the agent of one."""
    return [
        checked_route(
            route.name,
            [route.number],
            agent=NEW_AGENT if plan.launch.holds(route.name, at_us) else route.agent,
            provider=route.carrier,
        )
        for route in ROUTES
    ]


def _chunks(load: HistoryLoad) -> Iterator[Chunk]:
    """Yield the facts by their receipt, in chunks that end at the times of the evaluations."""
    stops = load.stops()
    calls = calls_between(load.plan, load.from_us, load.to_us)
    ended = (call for call in calls if call.ended_us + _LAST_MESSAGE_US < load.to_us)
    received = messages_in_order(ended, load.to_us - _IN_FULL_US)
    facts = (fact for each in received for fact in facts_of(each.message, each.received_us))
    for index, until_stop in groupby(facts, lambda fact: bisect(stops, fact.received_us)):
        routes = routes_at(load.plan, stops[index] - 1)
        table = {route.numbers[0]: RouteTarget(route.route, route.agent) for route in routes}
        yield from chunks_of(until_stop, load.tenant, table, deliver=False)


async def _record(load: HistoryLoad, chunks: AsyncGenerator[Chunk, None]) -> None:
    """Record chunks at their times, and evaluate the alerts at each stop that they pass."""
    clock, stops = _HistoryClock(load.from_us), deque(load.stops())
    store = open_store(load.database_url, clock)
    evaluation = _Evaluation(store, AlertEvaluator(store, RateDetectorFactory()), load.tenant)

    async def pass_stops(until_us: int) -> None:
        while stops and stops[0] <= until_us:
            clock.now_us = stops.popleft()
            await evaluation.run(clock.now_us, is_last=not stops)

    async def timed() -> AsyncGenerator[Chunk, None]:
        async for chunk in chunks:
            first, last = (chunk.submissions[index].fact.received_us for index in (0, -1))
            await pass_stops(first)
            clock.now_us = last
            yield chunk

    try:
        async with aclosing(chunks):
            await import_chunks(store, load.tenant, timed(), on_chunk=lambda _chunk: None)
        await pass_stops(load.to_us)
    finally:
        await store.close()


class _Evaluation(NamedTuple):
    """Evaluation of a tenant's alerts at a time of the history."""

    store: Store
    evaluator: AlertEvaluator
    tenant: str

    async def run(self, at_us: int, *, is_last: bool) -> None:
        """Evaluate up to a time. Conditions that concern the present only are read at the last one."""
        now_us = at_us + SETTLED_S * SECOND_US

        async def conditions() -> Conditions:
            if is_last:
                return await self.store.read(current_conditions(self.tenant, now_us), long=True)
            return Conditions((), ())

        while not (await self.evaluator.evaluate(self.tenant, now_us, conditions)).is_current:
            pass
