"""Pipeline of a tenant's own events, from the body to the response."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from calltally.calls.events import IngestOutcome
from calltally.calls.identity import uuid_text
from calltally.calls.wire_types import UuidText
from calltally.ingest.event_body import ParsedEvent, parse_body
from calltally.ingest.routes import RouteTableCache, map_route
from calltally.store.db.interface import Store, Submission, SubmissionResult

_Outcome = Annotated[str, Meta(extra_json_schema={"enum": list(IngestOutcome)})]
_encoder: Final = msgspec.json.Encoder()


class EventError(msgspec.Struct, frozen=True):
    """Error in an event, and the field that it is in."""

    parameter: str
    detail: str


class EventOutcome(msgspec.Struct, frozen=True):
    """Outcome of one event; `errors` is present in refused events only."""

    id: str | None
    outcome: _Outcome
    reason: str | None
    call_id: UuidText | None
    revision: int | None
    errors: list[EventError] | msgspec.UnsetType = msgspec.UNSET


class EventsAnswer(msgspec.Struct, frozen=True):
    """Response to a body of events, in the order sent."""

    outcomes: list[EventOutcome]

    @property
    def all_refused(self) -> bool:
        return all(each.outcome == IngestOutcome.REFUSED for each in self.outcomes)

    def encode(self) -> bytes:
        return _encoder.encode(self)


class OwnEventReceiver:
    """Receiver of own events. Events that it acknowledges are durable and listed."""

    def __init__(self, store: Store, routes: RouteTableCache) -> None:
        self._store = store
        self._routes = routes

    async def receive(self, tenant: str, body: bytes, *, ndjson: bool, now_us: int) -> EventsAnswer:
        """Record the events of a body. Raises TooLarge and InvalidBody, and then records nothing."""
        parsed = parse_body(body, ndjson=ndjson, now_us=now_us)
        facts = [each.fact for each in parsed if each.fact is not None]
        recorded: Iterator[SubmissionResult] = iter(())
        if facts:
            table = await self._routes.get(tenant)
            submissions = [Submission(tenant, map_route(fact, table)) for fact in facts]
            recorded = iter(await self._store.submit(submissions))
        return EventsAnswer(
            [_refused(each) if each.fact is None else _recorded(each, next(recorded)) for each in parsed]
        )


def _recorded(parsed: ParsedEvent, recorded: SubmissionResult) -> EventOutcome:
    outcome, reason, call_id, revision, _conflicting = recorded
    if call_id is None:
        return EventOutcome(parsed.id, outcome, reason, None, None, [EventError("call_sid", reason or "")])
    return EventOutcome(parsed.id, outcome, reason, uuid_text(call_id), revision)


def _refused(parsed: ParsedEvent) -> EventOutcome:
    reason = "; ".join(fault.detail for fault in parsed.faults[:3])
    errors = [EventError(fault.parameter, fault.detail) for fault in parsed.faults]
    return EventOutcome(parsed.id, IngestOutcome.REFUSED, reason, None, None, errors)
