"""Own events over a store that only records its input: order, outcomes, and the response."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest

from calltally.calls.errors import InvalidBody
from calltally.calls.events import IngestOutcome
from calltally.ingest.own_events import EventsAnswer, OwnEventReceiver
from calltally.ingest.routes import RouteTableCache
from calltally.store.db.interface import Submission, SubmissionResult
from calltally.store.db.operation import StoreOperation

T = TypeVar("T")

NOW_US = 1_795_000_000_000_000
EVENT = {"id": "e1", "call_sid": "CA1", "occurred_at": "2026-10-01T00:00:00Z", "to_number": "911"}


class KeepingStore:
    """Returns one route for every tenant, and records submissions."""

    dialect = "none"
    queued_writes = 0
    stalled_s = 0.0

    def __init__(self) -> None:
        self.submitted: list[Submission] = []

    async def read(self, step: StoreOperation[T], *, long: bool = False) -> T:
        assert not long
        next(step)
        try:
            step.send([("911", "emergency", "dispatcher")])
        except StopIteration as end:
            result: T = end.value
            return result
        raise AssertionError

    async def read_tenant(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int = 0, long: bool = False
    ) -> T:
        assert (bool(tenant), at_least) == (True, 0)
        return await self.read(make(), long=long)

    async def write(self, step: StoreOperation[T]) -> T:
        return await self.read(step)

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        assert not in_one_commit
        self.submitted.extend(submissions)
        return [
            SubmissionResult(IngestOutcome.APPLIED, None, bytes(16), n)
            for n, _ in enumerate(submissions, start=1)
        ]

    async def close(self) -> None:
        pass


def receive(store: KeepingStore, body: object) -> EventsAnswer:
    events = OwnEventReceiver(store, RouteTableCache(store, lambda: NOW_US))
    return asyncio.run(events.receive("acme", json.dumps(body).encode(), ndjson=False, now_us=NOW_US))


def test_outcomes_are_in_the_order_sent() -> None:
    store = KeepingStore()
    answer: Any = json.loads(receive(store, [EVENT | {"status": "done"}, EVENT, 7]).encode())
    refused, applied, nothing = answer["outcomes"]
    assert applied == {
        "id": "e1",
        "outcome": "applied",
        "reason": None,
        "call_id": "00000000-0000-0000-0000-000000000000",
        "revision": 1,
    }
    assert list(refused) == ["id", "outcome", "reason", "call_id", "revision", "errors"]
    assert (refused["outcome"], refused["call_id"]) == ("refused", None)
    assert refused["errors"][0]["parameter"] == "status"
    assert refused["errors"][0]["detail"] in refused["reason"]
    assert nothing["id"] is None


def test_facts_are_submitted_with_route_and_delivery() -> None:
    store = KeepingStore()
    receive(store, EVENT)
    ((tenant, fact, announce, _packed),) = store.submitted
    assert (tenant, announce) == ("acme", True)
    assert (fact.stated["mapped_route"], fact.stated["mapped_agent"]) == ("emergency", "dispatcher")


def test_refused_events_do_not_touch_the_store() -> None:
    store = KeepingStore()
    assert receive(store, [{}, 7]).all_refused
    assert not receive(store, [{}, EVENT]).all_refused
    assert len(store.submitted) == 1


def test_truncated_body_applies_nothing() -> None:
    store = KeepingStore()
    events = OwnEventReceiver(store, RouteTableCache(store, lambda: NOW_US))
    body = json.dumps(EVENT).encode() + b"\n" + json.dumps(EVENT).encode()[:-1]
    with pytest.raises(InvalidBody, match="line 2"):
        asyncio.run(events.receive("acme", body, ndjson=True, now_us=NOW_US))
    assert store.submitted == []
