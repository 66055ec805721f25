"""What is asked about alerts, and what becomes of the answers."""

import json

import pytest

from calltally.calls.errors import InvalidInput
from calltally.client import alerts
from calltally.client.errors import Conflict, UnexpectedAnswer
from calltally.client.sans_io import Reply
from calltally.client.wire import Request
from tests.unit.client.canned import Canned, good, in_turn, problem

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


def keeping(asked: list[Request], reply: Reply) -> Canned:
    def answer(request: Request) -> Reply:
        asked.append(request)
        return reply

    return Canned(answer)


def test_a_page_is_asked_for_by_its_filters() -> None:
    asked: list[Request] = []
    canned = keeping(asked, good({"data": [ALERT], "limit": 5, "offset": 10, "total": 11}))
    page = canned.run(
        alerts.list_alerts(canned.plan, limit=5, offset=10, state="unresolved", from_="2026-11-01")
    )
    assert (page.data[0].message, page.total) == ("No-answer on support-de", 11)
    assert asked[0].path == "/api/v1/alerts"
    assert list(asked[0].params) == [
        ("state", "unresolved"),
        ("from", "2026-11-01"),
        ("limit", "5"),
        ("offset", "10"),
    ]


def test_what_is_done_about_one_is_told_with_a_note() -> None:
    asked: list[Request] = []
    canned = keeping(asked, good({**ALERT, "state": "acknowledged"}))
    one = ALERT["id"]
    assert canned.run(alerts.acknowledge_alert(canned.plan, str(one), "seen")).state == "acknowledged"
    canned.run(alerts.resolve_alert(canned.plan, str(one)))
    canned.run(alerts.mute_alert(canned.plan, str(one), "2026-11-03T08:00:00Z"))
    canned.run(alerts.get_alert(canned.plan, str(one)))
    paths = [request.path.rpartition("/")[2] for request in asked]
    assert paths == ["acknowledge", "resolve", "mute", one]
    bodies = [json.loads(request.body or b"null") for request in asked]
    assert bodies[0] == {"note": "seen"}
    assert bodies[2] == {"until": "2026-11-03T08:00:00Z", "note": None}


def test_faults_are_errors_of_the_client() -> None:
    canned = Canned(in_turn(problem(409, "conflict", "it is resolved")))
    with pytest.raises(Conflict):
        canned.run(alerts.acknowledge_alert(canned.plan, "1"))
    canned = Canned(in_turn(good({"data": 5})))
    with pytest.raises(UnexpectedAnswer):
        canned.run(alerts.list_alerts(canned.plan))
    with pytest.raises(InvalidInput):
        canned.run(alerts.get_alert(canned.plan, ""))
