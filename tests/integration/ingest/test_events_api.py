"""Own events through the whole application, on both databases."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import Bench
from tests.integration.ingest.service import RINGING, SID, Answer, Service, outcomes, slug

PATH = "/api/v1/events"
EVENT: dict[str, Any] = {"id": "e1", "call_sid": SID, "occurred_at": "2026-11-18T11:00:00Z"}
MIB = 1024 * 1024


class Sender:
    """Key that may send events, and the service that receives them."""

    def __init__(self, bench: Bench) -> None:
        self.service = Service(bench)
        self._key = self.service.bearer("events:write")

    def send(self, body: object, **headers: str) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.request(
            "POST", PATH, content, {**self._key, "content-type": "application/json", **names}
        )


@pytest.fixture
def sender(bench: Bench) -> Sender:
    return Sender(bench)


def test_event_is_listed_and_repeat_changes_nothing(sender: Sender) -> None:
    event = EVENT | {
        "status": "completed",
        "duration_seconds": 42.7,
        "to_number": "+1 415 555 0100",
        "tags": ["b", "a"],
    }
    first, again = sender.send(event), sender.send(dict(reversed(event.items())))
    assert (first.status_code, outcomes(first), outcomes(again)) == (200, ["applied"], ["duplicate"])
    (call,) = sender.service.calls()
    (outcome,) = first.json()["outcomes"]
    assert (outcome["call_id"], outcome["revision"]) == (call["id"], call["revision"])
    assert (call["status"], call["duration_seconds"], call["tags"]) == ("completed", 42, ["a", "b"])
    assert (call["to_number"], call["route"], call["agent"]) == ("+14155550100", "appointments", "scheduler")


def test_summary_of_a_carriers_call_creates_no_second_call(sender: Sender) -> None:
    sender.service.call_back(RINGING)
    reported = {"summary": "Kept.", "escalation": {"target": "front desk"}, "cost": {"amount": "0.0085"}}
    assert outcomes(sender.send(EVENT | reported)) == ["applied"]
    (call,) = sender.service.calls()
    assert (call["summary"], call["escalated"], call["provider"]) == ("Kept.", True, "twilio")
    assert call["escalation"] == {"target": "front desk", "initiated_by": None, "reason": None}
    assert call["cost"] == {"amount": "0.0085", "currency": None}


def test_batch_is_accepted_event_by_event(sender: Sender) -> None:
    batch = [EVENT, EVENT | {"id": "e2", "status": "done"}, EVENT, EVENT | {"id": "e3", "status": "ringing"}]
    answer = sender.send(batch)
    assert answer.status_code == 200
    assert outcomes(answer) == ["applied", "refused", "duplicate", "applied"]
    assert sender.service.metric('calltally_facts_total{outcome="refused",provider="own"} 1.0')


def test_ndjson(sender: Sender) -> None:
    lines = b"\n".join(
        json.dumps(EVENT | {"id": f"e{n}", "call_sid": f"c{n}"}).encode() for n in range(1_000)
    )
    answer = sender.send(lines, content_type="application/x-ndjson; charset=utf-8")
    assert outcomes(answer) == ["applied"] * 1_000


def test_body_with_only_refused_events_is_a_problem_with_outcomes(sender: Sender) -> None:
    answer = sender.send([EVENT | {"status": "done"}, 7])
    assert slug(answer) == (422, "events-refused")
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["parameter"] for error in answer.json()["errors"]] == ["[0].status", "[1]"]
    assert outcomes(answer) == ["refused", "refused"]
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "invalid-body"),
        (b"[]", 400, "invalid-body"),
        (b'{"id": "e1"', 400, "invalid-body"),
        (b"[" * 10_000, 400, "invalid-body"),
        (b'{"id": "\\ud800"}', 400, "invalid-body"),
        (b'{"id": "a\\u0000"}', 422, "events-refused"),
        (b"[" + b",".join([b"{}"] * 1_001) + b"]", 413, "too-large"),
        (b" " * (5 * MIB + 1), 413, "too-large"),
    ],
)
def test_invalid_body_is_a_problem_and_applies_nothing(
    sender: Sender, body: bytes, status: int, kind: str
) -> None:
    assert slug(sender.send(body)) == (status, kind)
    assert sender.service.calls() == []


def test_body_of_unknown_length_is_not_read_to_its_end(sender: Sender) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * MIB

    answer = sender.service.request("POST", PATH, endless(), sender._key)
    assert slug(answer) == (413, "too-large")
    assert read < 10


@pytest.mark.parametrize(
    "headers",
    [{"content_type": "text/plain"}, {"content_type": "application/xml"}, {"content_encoding": "gzip"}],
)
def test_other_media_types_are_refused(sender: Sender, headers: dict[str, str]) -> None:
    assert slug(sender.send(EVENT, **headers)) == (415, "unsupported-media-type")


def test_largest_body_is_accepted(sender: Sender) -> None:
    events = [EVENT | {"id": f"e{n}", "call_sid": f"c{n % 50}", "summary": "x" * 5_000} for n in range(1_000)]
    assert outcomes(sender.send(events)) == ["applied"] * 50 + ["ignored"] * 950


def test_scope_is_needed(sender: Sender) -> None:
    reader = sender.service.bearer("calls:read")
    assert slug(sender.service.request("POST", PATH, b"{}", reader)) == (403, "forbidden")
    assert slug(sender.service.request("POST", PATH, b"{}")) == (401, "unauthorized")


def test_events_do_not_count_for_the_rate_limit(sender: Sender) -> None:
    answers = [sender.send(EVENT | {"id": f"e{n}"}) for n in range(3)]
    assert {answer.status_code for answer in answers} == {200}
