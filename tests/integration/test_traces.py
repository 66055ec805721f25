"""Spans from a request to its commit and to the delivery of its event, by the real SDK."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from calltally import tracing
from calltally.bootstrap.otel_spans import OtelSpans
from calltally.calls.times import utc_text
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.alerts.notify.test_notifier import ROUTE, NotifierSetup
from tests.integration.alerts.test_alert_api import open_alerts
from tests.integration.deliveries.delivering import DeliverySetup, wait_until
from tests.integration.net.receivers import answer_ok, receiving
from tests.integration.web.service import LIST, Broken, Service

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
EVENTS = "/api/v1/events"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.activate(OtelSpans(provider.get_tracer("test")))
    yield exporter
    tracing.activate(None)
    provider.shutdown()


def span_of(exported: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [each for each in exported.get_finished_spans() if each.name == name]
    return span


def linked_ids(span: ReadableSpan) -> list[int]:
    return [link.context.span_id for link in span.links]


def test_a_request_continues_the_trace_of_its_caller(bench: Bench, exported: InMemorySpanExporter) -> None:
    service = Service(bench)
    answer = service.get(f"{LIST}?limit=1", {**service.key, "traceparent": TRACEPARENT})
    span = span_of(exported, f"GET {LIST}")
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT
    assert span.attributes == {
        "calltally.request_id": answer.headers["x-request-id"],
        "calltally.tenant": TENANT,
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": LIST,
    }


def test_a_failed_request_is_an_error_in_its_own_trace(bench: Bench, exported: InMemorySpanExporter) -> None:
    service = Service(bench, store=Broken(ValueError("unused")))
    service.get(LIST)
    span = span_of(exported, f"GET {LIST}")
    assert (span.parent, span.status.is_ok) == (None, False)
    assert dict(span.attributes or {})["error.type"] == "internal"


def test_a_commit_and_a_delivery_are_linked_to_the_request(
    bench: Bench, exported: InMemorySpanExporter
) -> None:
    service, body = Service(bench), event("call-1")
    headers = {**service.new_key("events:write"), "content-type": "application/json"}

    async def story() -> dict[str, str]:
        desk = DeliverySetup(bench)
        async with receiving(answer_ok) as receiver:
            await desk.endpoint(f"http://127.0.0.1:{receiver.port}/hook?secret=1")
            exported.clear()
            async with desk.delivering():
                await service._request("POST", EVENTS, {**headers, "traceparent": TRACEPARENT}, body)
                await wait_until(lambda: receiver.visits)
            return receiver.visits[0].headers

    received = bench.run(story())
    request, delivery = span_of(exported, f"POST {EVENTS}"), span_of(exported, "deliver voice.call.started")
    assert request.context is not None
    commits = [each for each in exported.get_finished_spans() if each.name == "commit"]
    (commit,) = [each for each in commits if request.context.span_id in linked_ids(each)]
    assert commit.context is not None
    assert commit.parent is None
    assert linked_ids(delivery) == [commit.context.span_id]
    sent = span_of(exported, "POST")
    assert sent.parent == delivery.context
    assert sent.attributes == {"http.request.method": "POST", "server.address": "127.0.0.1"}
    assert sent.context is not None
    ids = f"00-{sent.context.trace_id:032x}-{sent.context.span_id:016x}-"
    assert received["traceparent"].startswith(ids)


def test_a_notification_of_an_alert_is_a_span(bench: Bench, exported: InMemorySpanExporter) -> None:
    setup = NotifierSetup(bench)
    setup.add("slack", url="https://hooks.slack.example/x")
    open_alerts(bench, ROUTE)
    setup.send()
    span = span_of(exported, "notify slack")
    assert (span.parent, span.attributes) == (None, {"calltally.tenant": TENANT})


def event(call_sid: str) -> bytes:
    stated: dict[str, Any] = {
        "id": "e1",
        "call_sid": call_sid,
        "occurred_at": utc_text(NOW_US),
        "status": "ringing",
    }
    return json.dumps([stated]).encode()
