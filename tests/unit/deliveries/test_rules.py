"""Pure part of deliveries: queues, outcomes and payload formats."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from calltally.calls.event_types import (
    ALERT_CHANGES,
    COMPLETED,
    DELIVERY_FAILED,
    STARTED,
    SUBSCRIBABLE,
    TEST,
    alert_event,
    event_position,
)
from calltally.calls.payload_formats import body_in_form
from calltally.calls.times import SECOND_US
from calltally.deliveries.attempt_outcome import (
    decide_outcome,
    event_age_s,
    expired_result,
)
from calltally.deliveries.concurrency import (
    BROKEN_AFTER,
    FIRST_LIMIT,
    MAX_CLAIMED,
    MAX_IN_FLIGHT,
    EndpointQueue,
)
from calltally.deliveries.retry_schedule import GIVES_UP_AFTER_US
from calltally.net.http_client import RequestFailure
from calltally.net.http_connection import OutgoingResponse
from calltally.store.webhooks.dispatch import DeliveryJob
from calltally.store.webhooks.endpoints import Endpoint, EndpointSettings
from calltally.store.webhooks.enqueue import matches_subscription
from calltally.web.openapi.event_schemas import DATA, envelope_schema

NOW_US = 1_795_000_000_000_000
CHANCES = st.floats(0, 1)


def job(number: int = 1, *, tries: int = 0, started_us: int | None = None) -> DeliveryJob:
    return DeliveryJob(
        *(b"e" * 16, number.to_bytes(16, "big"), STARTED, number, 0, b"c" * 16),
        *(tries, tries, started_us, NOW_US, NOW_US, b""),
    )


def endpoint() -> Endpoint:
    return Endpoint(
        b"e" * 16, EndpointSettings("https://h.example/"), b"", None, None, "active", None, None, 0, 0, 0
    )


# --------------------------------------------------------------------------------------------------- outcomes


def decide(status: int, headers: dict[str, str] | None = None, **of_job: Any) -> Any:  # noqa: ANN401 (a verdict)
    return decide_outcome(job(**of_job), OutgoingResponse(status, headers or {}, b"said"), NOW_US, 1000, 0.5)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_delivers(status: int) -> None:
    outcome = decide(status)
    assert outcome.is_delivered
    assert (outcome.result.status, outcome.result.reason, outcome.result.answer) == (status, None, b"said")


@pytest.mark.parametrize("status", [101, 301, 307, 400, 401, 404, 429, 500, 503])
def test_other_statuses_are_retried(status: int) -> None:
    outcome = decide(status)
    assert (outcome.result.state, outcome.result.reason) == ("waiting", f"answered {status}")
    assert outcome.result.due_us == NOW_US + 1000 + 5 * SECOND_US
    assert not outcome.is_gone


def test_missing_response_has_a_reason() -> None:
    outcome = decide_outcome(job(), RequestFailure("timeout", "no answer within 10 s"), NOW_US, 1000, 0.5)
    assert outcome.result.reason == "timeout: no answer within 10 s"
    assert outcome.result.status is None


def test_delivery_is_dead_after_three_days_except_for_a_410() -> None:
    started_us = NOW_US - GIVES_UP_AFTER_US
    assert decide(500, tries=30, started_us=started_us).result.state == "dead"
    gone = decide(410, tries=30, started_us=started_us)
    assert (gone.result.state, gone.is_gone) == ("waiting", True)


@pytest.mark.parametrize(("status", "hold_s"), [(429, 3600.0), (503, 3600.0), (500, 0.0)])
def test_requested_pause_is_an_hour_at_most(status: int, hold_s: float) -> None:
    assert decide(status, {"retry-after": "7200"}).hold_s == hold_s


def test_delivery_without_bytes_is_dead() -> None:
    assert expired_result(job(), NOW_US).state == "dead"
    assert event_age_s(job(), NOW_US + SECOND_US) == 1.0


# ----------------------------------------------------------------------------------------------------- queues


def start_all(queue: EndpointQueue) -> int:
    started = 0
    while queue.take_next(0.0) is not None:
        started += 1
    return started


def full_queue(many: int = 200) -> EndpointQueue:
    queue = EndpointQueue(endpoint(), "h.example")
    for number in range(many):
        queue.add(job(number))
    return queue


def test_endpoint_starts_with_a_few_requests_and_earns_more() -> None:
    queue = full_queue()
    assert start_all(queue) == FIRST_LIMIT
    for _ in range(100):
        queue.delivered()
        start_all(queue)
    assert queue.in_flight == MAX_IN_FLIGHT


def test_broken_endpoint_is_probed() -> None:
    queue = full_queue()
    for number in range(BROKEN_AFTER):
        assert queue.take_next(0.0) is not None
        queue.failed(0.0, 0.0, 0.0)
        queue.recorded(number.to_bytes(16, "big"))
    assert queue.is_broken
    assert queue.take_next(0.0) is None
    assert 0.0 < queue.backoff_s_left(0.0) <= 1.0
    assert queue.take_next(1.0) is not None
    assert queue.take_next(1.0) is None
    assert queue.capacity(1.0) == 0
    queue.delivered()
    assert not queue.is_broken
    assert queue.capacity(1.0) > 0


def test_job_is_claimed_once_until_it_is_recorded() -> None:
    queue = full_queue(3)
    queue.add(job(0))
    assert (queue.claimed, queue.capacity(0.0)) == (3, MAX_CLAIMED - 3)
    assert queue.take_next(0.0) == job(0)
    assert queue.take_next(0.0) == job(1)
    queue.recorded(job(0).event_id)
    assert queue.claimed == 2
    queue.release()
    assert (queue.claimed, len(queue.ready), queue.due_us) == (1, 0, 0)


def test_postponed_job_waits() -> None:
    queue = full_queue(2)
    first = queue.take_next(0.0)
    assert first is not None
    queue.postpone(first.event_id, 60.0)
    assert (queue.claimed, queue.in_flight, queue.backoff_s_left(0.0)) == (0, 0, 60.0)


# -------------------------------------------------------------------------------------------- payload formats


def test_events_of_a_revision_are_in_order() -> None:
    assert sorted(SUBSCRIBABLE, key=event_position) == list(SUBSCRIBABLE)
    assert event_position("voice.call.unheard-of") > event_position(TEST)


@pytest.mark.parametrize(
    ("wanted", "event", "is_wanted"),
    [
        ({}, STARTED, True),
        ({"events": (COMPLETED,)}, STARTED, False),
        ({"direction": "inbound", "route": "sales", "agent": "a"}, STARTED, True),
        ({"direction": "outbound"}, STARTED, False),
        ({"agent": "other"}, STARTED, False),
        ({"agent": "other"}, DELIVERY_FAILED, True),
    ],
)
def test_filters_apply_to_events_of_calls(wanted: dict[str, Any], event: str, is_wanted: bool) -> None:  # noqa: FBT001 (parametrised)
    settings = EndpointSettings("https://h.example/", **wanted)
    assert matches_subscription(settings, event, ("inbound", "sales", "a")) is is_wanted


def test_cloudevent_is_computed_from_the_envelope_alone() -> None:
    envelope = {
        "id": "msg_1",
        "event": TEST,
        "created_at": "2026-11-01T00:00:00.000000Z",
        "tenant_id": "acme",
        "api_version": "2026-11-01",
        "data": {"sent_at": "x"},
    }
    header = json.loads(body_in_form("cloudevents", json.dumps(envelope).encode(), "https://calls.example"))
    assert header == {
        "id": "msg_1",
        "source": "/tenants/acme",
        "specversion": "1.0",
        "type": TEST,
        "datacontenttype": "application/json",
        "dataschema": f"https://calls.example/schemas/{TEST}.data.json",
        "time": "2026-11-01T00:00:00.000000Z",
        "apiversion": "2026-11-01",
        "data": {"sent_at": "x"},
    }
    assert body_in_form("standard", b"as it is") == b"as it is"


def test_every_kind_of_event_has_a_schema() -> None:
    assert set(DATA) == {*SUBSCRIBABLE, TEST, *map(alert_event, ALERT_CHANGES)}
    for event in DATA:
        schema = envelope_schema(event)
        assert schema["properties"]["event"]["const"] == event
        assert schema["required"] == ["id", "event", "created_at", "tenant_id", "api_version", "data"]
