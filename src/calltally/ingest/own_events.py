"""A tenant's own events, from the body to the answer."""

from collections.abc import Sequence
from typing import Final

import msgspec

from calltally.calls.events import Fact, Outcome
from calltally.calls.identity import uuid_text
from calltally.ingest.event_body import Told, read_body
from calltally.ingest.routes import RouteTables, map_route
from calltally.store.db.interface import Recorded, Store, Submission

_encoder: Final = msgspec.json.Encoder()


class EventError(msgspec.Struct, frozen=True):
    """One thing that is wrong with an event, and the field that it is in."""

    parameter: str
    detail: str


class EventOutcome(msgspec.Struct, frozen=True):
    """What became of one event; `errors` stands only in a refused one."""

    id: str | None
    outcome: str
    reason: str | None
    call_id: str | None
    revision: int | None
    errors: list[EventError] | msgspec.UnsetType = msgspec.UNSET


class EventsAnswer(msgspec.Struct, frozen=True):
    """The answer to a body of events, in the order sent."""

    outcomes: list[EventOutcome]

    @property
    def all_refused(self) -> bool:
        """Whether nothing of the body went in."""
        return all(each.outcome == Outcome.REFUSED for each in self.outcomes)

    def encode(self) -> bytes:
        """The JSON that the sender gets."""
        return _encoder.encode(self)


class OwnEvents:
    """Takes bodies of own events in; what it answers for is durable and listed."""

    def __init__(self, store: Store, routes: RouteTables) -> None:
        self._store = store
        self._routes = routes

    async def receive(self, tenant: str, body: bytes, *, ndjson: bool, now_us: int) -> EventsAnswer:
        """Record what a body tells. Raises TooLarge and InvalidBody, and then has recorded nothing."""
        told = read_body(body, ndjson=ndjson, now_us=now_us)
        facts = [each.fact for each in told if each.fact is not None]
        recorded = iter(await self._record(tenant, facts))
        return EventsAnswer(
            [_refused(each) if each.fact is None else _kept(each, next(recorded)) for each in told]
        )

    async def _record(self, tenant: str, facts: Sequence[Fact]) -> list[Recorded]:
        if not facts:
            return []
        table = await self._routes.of(tenant)
        return await self._store.submit([Submission(tenant, map_route(fact, table)) for fact in facts])


def _kept(told: Told, recorded: Recorded) -> EventOutcome:
    outcome, reason, call_id, revision, _conflicting = recorded
    if call_id is None:
        return EventOutcome(told.id, outcome, reason, None, None, [EventError("call_sid", reason or "")])
    return EventOutcome(told.id, outcome, reason, uuid_text(call_id), revision)


def _refused(told: Told) -> EventOutcome:
    reason = "; ".join(fault.detail for fault in told.faults[:3])
    errors = [EventError(fault.parameter, fault.detail) for fault in told.faults]
    return EventOutcome(told.id, Outcome.REFUSED, reason, None, None, errors)
