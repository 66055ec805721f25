"""Access lines of requests through the whole application."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from calltally.logs import set_up_logs
from calltally.web.bad_http import malformed_response
from tests.conftest import TENANT, Bench
from tests.integration.ingest.service import HOST, RINGING
from tests.integration.ingest.service import Service as Callbacks
from tests.integration.web.service import ADMIN, LIST, Service


class AccessLog:
    """Lines of the log since the last look."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def begin(self, level: str = "info") -> None:
        """Write to the stream of the running test: it is another one than that of its fixtures."""
        set_up_logs("json", level)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._captured.readouterr().err.splitlines()]


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[AccessLog]:
    yield AccessLog(capsys)
    set_up_logs("json", "warning")


def test_request_id_of_an_error_finds_its_request(service: Service, log: AccessLog) -> None:
    log.begin()
    answer = service.get(f"{LIST}/0123456789012345?tenant=x&number=%2B14155550142")
    (line,) = log.lines()
    assert line.pop("at")
    assert 0 < line.pop("duration_ms") < 60_000
    assert line == {
        "method": "GET",
        "route": f"{LIST}/{{id}}",
        "status": 400,
        "sent_bytes": len(answer.content),
        "request_id": answer.json()["request_id"],
        "tenant": TENANT,
        "key": "test",
        "reason": "invalid-parameter",
        "level": "info",
        "event": "request",
        "logger": "calltally.requests",
    }


def test_neither_ids_nor_queries_nor_unknown_keys_are_logged(service: Service, log: AccessLog) -> None:
    log.begin()
    service.get(LIST + "?number=%2B14155550142", {"authorization": "Bearer ct_acme_" + "a" * 43})
    service.get("/nothing/+14155550142")
    service.get(LIST, {**service.key, "x-request-id": "+14155550142"})
    unknown, unmatched, own = log.lines()
    assert {"tenant", "key"} & unknown.keys() == set()
    assert (unknown["status"], unknown["reason"]) == (401, "unauthorized")
    assert (unmatched["route"], unmatched["reason"]) == ("(none)", "not-found")
    assert own["request_id"] == "+…42"


def test_admin_requests_name_the_tenant_in_question(service: Service, log: AccessLog) -> None:
    log.begin()
    service.get(f"{LIST}?tenant={TENANT}", ADMIN)
    (line,) = log.lines()
    assert (line["tenant"], line["key"], "reason" in line) == (TENANT, "admin", False)


def test_head_sends_no_bytes(service: Service, log: AccessLog) -> None:
    log.begin()
    service.get(LIST, method="HEAD")
    assert [(line["method"], line["sent_bytes"]) for line in log.lines()] == [("HEAD", 0)]


def test_probes_are_logged_at_debug(service: Service, log: AccessLog) -> None:
    log.begin()
    for path in ("/healthz", "/readyz", "/metrics"):
        service.get(path)
    assert log.lines() == []
    log.begin("debug")
    service.get("/healthz")
    assert [(line["route"], line["level"]) for line in log.lines()] == [("/healthz", "debug")]


def test_request_that_is_no_http_is_logged_with_its_id(log: AccessLog) -> None:
    log.begin()
    answer = malformed_response()
    (line,) = log.lines()
    assert (line["status"], line["route"], line["reason"]) == (400, "(none)", "bad-request")
    assert line["request_id"] == json.loads(answer.partition(b"\r\n\r\n")[2])["request_id"]


def test_refused_callbacks_are_logged_with_their_reason(bench: Bench, log: AccessLog) -> None:
    log.begin()
    callbacks = Callbacks(bench)
    log.lines()
    callbacks.call_back(RINGING, url=HOST + "/elsewhere")
    callbacks.call_back(RINGING, path="/api/v1/ingest/twilio/nobody")
    callbacks.call_back(RINGING, path="/api/v1/ingest/twilio/14155550142")
    callbacks.call_back([("CallSid", "CA1"), ("CallStatus", "parked")])
    callbacks.call_back(RINGING)
    found = [
        (line["status"], line["provider"], line.get("tenant"), line.get("reason")) for line in log.lines()
    ]
    assert found == [
        (403, "twilio", TENANT, "wrong-signature"),
        (403, "twilio", "nobody", "no-secret"),
        (403, "twilio", None, "no-secret"),
        (202, "twilio", TENANT, "dead-letter"),
        (200, "twilio", TENANT, None),
    ]
