"""Operations on alerts: requests and results."""

import json

import pytest

from calltally.calls.errors import InvalidInput
from calltally.client import alerts
from calltally.client.errors import ConflictError, UnexpectedAnswer
from calltally.client.transport import AttemptResult
from calltally.client.wire import Request
from tests.unit.client.canned import Canned, good, in_sequence, problem

ALERT = {
    "id": "0b6f7f0a-5f57-8c1e-9a35-2f8f7d1c2b3a",
    "state": "open",
    "kind": "rate",
    "message": "No-answer on support-de",
    "since": "2026-11-02T09:35:00.000000Z",
    "opened_at": "2026-11-02T09:45:31.000000Z",
    "updated_at": "2026-11-02T09:45:31.000000Z",
    "calls": "/api/v1/call-logs?route=support-de",
    "something_new": 1,
}


def recording(requests: list[Request], result: AttemptResult) -> Canned:
    def answer(request: Request) -> AttemptResult:
        requests.append(request)
        return result

    return Canned(answer)


def test_list_sends_the_filters() -> None:
    requests: list[Request] = []
    canned = recording(requests, good({"data": [ALERT], "limit": 5, "offset": 10, "total": 11}))
    page = canned.run(alerts.list_alerts(canned, limit=5, offset=10, state="unresolved", from_="2026-11-01"))
    assert (page.data[0].message, page.total) == ("No-answer on support-de", 11)
    assert requests[0].path == "/api/v1/alerts"
    assert list(requests[0].params) == [
        ("state", "unresolved"),
        ("from", "2026-11-01"),
        ("limit", "5"),
        ("offset", "10"),
    ]


def test_actions_send_a_note() -> None:
    requests: list[Request] = []
    canned = recording(requests, good({**ALERT, "state": "acknowledged"}))
    one = ALERT["id"]
    assert canned.run(alerts.acknowledge_alert(canned, str(one), "seen")).state == "acknowledged"
    canned.run(alerts.resolve_alert(canned, str(one)))
    canned.run(alerts.mute_alert(canned, str(one), "2026-11-03T08:00:00Z"))
    canned.run(alerts.get_alert(canned, str(one)))
    paths = [request.path.rpartition("/")[2] for request in requests]
    assert paths == ["acknowledge", "resolve", "mute", one]
    bodies = [json.loads(request.body or b"null") for request in requests]
    assert bodies[0] == {"note": "seen"}
    assert bodies[2] == {"until": "2026-11-03T08:00:00Z", "note": None}


def test_faults_are_client_errors() -> None:
    canned = Canned(in_sequence(problem(409, "conflict", "it is resolved")))
    with pytest.raises(ConflictError):
        canned.run(alerts.acknowledge_alert(canned, "1"))
    canned = Canned(in_sequence(good({"data": 5})))
    with pytest.raises(UnexpectedAnswer):
        canned.run(alerts.list_alerts(canned))
    with pytest.raises(InvalidInput):
        canned.run(alerts.get_alert(canned, ""))
