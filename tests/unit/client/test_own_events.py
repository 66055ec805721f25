"""Sending of own events: batches, outcomes, and the fields of the contract."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from calltally.client import own_events
from calltally.client.errors import BadRequestError, InvalidArgument, UnexpectedAnswer
from calltally.client.own_events import EventFields, EventResult, send_events
from calltally.client.transport import AttemptResult
from calltally.client.wire import Answer, Request
from calltally.ingest.event_fields import FIELDS
from tests.unit.client.canned import Canned, good, in_sequence, problem


def event(number: int, **fields: Any) -> EventFields:  # noqa: ANN401 (any field)
    moment = datetime(2026, 10, 1, 9, 30, tzinfo=UTC)
    return {"id": f"evt-{number}", "call_sid": f"CA{number}", "occurred_at": moment, **fields}  # type: ignore[typeddict-item] # any field


def applying(request: Request) -> AttemptResult:
    events = json.loads(request.body or b"")
    return good({"outcomes": [{"id": each["id"], "outcome": "applied", "revision": 1} for each in events]})


def test_fields_are_those_of_the_contract() -> None:
    assert list(EventFields.__annotations__) == [field.name for field in FIELDS]
    required = {field.name for field in FIELDS if field.required}
    assert EventFields.__required_keys__ == required


def test_events_are_sent_in_batches_and_outcomes_come_in_order() -> None:
    canned = Canned(applying)
    outcomes = canned.run(send_events(canned, (event(number) for number in range(2_500))))
    assert [each.id for each in outcomes] == [f"evt-{number}" for number in range(2_500)]
    assert outcomes[0] == EventResult("evt-0", "applied", revision=1)
    assert [len(json.loads(request.body or b"")) for request in canned.requests] == [1_000, 1_000, 500]
    assert all(request.is_repeatable for request in canned.requests)
    assert json.loads(canned.requests[0].body or b"")[0]["occurred_at"] == "2026-10-01T09:30:00Z"


def test_long_events_are_sent_in_smaller_batches() -> None:
    canned = Canned(applying)
    events = [event(number, summary="x" * 1_500_000) for number in range(5)]
    assert len(canned.run(send_events(canned, events))) == 5
    assert [len(json.loads(request.body or b"")) for request in canned.requests] == [2, 2, 1]


def test_nothing_is_sent_without_events() -> None:
    canned = Canned(in_sequence())
    assert canned.run(send_events(canned, [])) == []


def test_refused_events_are_outcomes_also_if_all_are_refused() -> None:
    fault = {"parameter": "status", "detail": "status must be one of queued"}
    refused = [{"id": "evt-1", "outcome": "refused", "errors": [fault]}]
    canned = Canned(in_sequence(problem(422, "events-refused", "every event was refused", outcomes=refused)))
    [outcome] = canned.run(send_events(canned, [event(1, status="odd")]))
    assert outcome.errors
    assert (outcome.outcome, outcome.errors[0].parameter) == ("refused", "status")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(422, "invalid-body", "no"), UnexpectedAnswer),
        (problem(400, "invalid-body", "no"), BadRequestError),
        (Answer(200, {}, b"[]"), UnexpectedAnswer),
    ],
)
def test_other_answers_are_errors(answer: Answer, error: type[Exception]) -> None:
    canned = Canned(in_sequence(answer))
    with pytest.raises(error):
        canned.run(send_events(canned, [event(1)]))


def test_value_that_is_not_json_is_refused_before_any_request() -> None:
    canned = Canned(in_sequence())
    with pytest.raises(InvalidArgument, match="the event cannot be written as JSON"):
        canned.run(own_events.send_events(canned, [event(1, metadata={"a": object()})]))
