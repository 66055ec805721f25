"""Sessions by the client: what is asked for, what is sent, and which errors come of it."""

import json
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.client import Evaluation, FunctionCall, Turn, sessions
from calltally.client.errors import BadRequest, Erased, NotFound, UnexpectedAnswer
from tests.unit.client.canned import Canned, good, in_turn, problem

SESSION: dict[str, Any] = {
    "id": "session/1",
    "call_sid": "CA1",
    "call_id": "550e8400-e29b-41d4-a716-446655440000",
    "status": "completed",
    "created_at": "2026-10-01T09:30:08.000000Z",
    "tags": ["appointment"],
    "evaluation": {"successful": True, "score": 0.9, "reason": None, "details": None},
    "something_new": 1,
}
WORDS = {
    "transcript": [{"role": "agent", "text": "Hello.", "start_seconds": 0.5, "end_seconds": None}],
    "function_calls": [{"name": "book", "arguments": {"at": "09:00"}, "result": {"booked": True}}],
}


def test_a_page_is_asked_for_by_its_filters() -> None:
    canned = Canned(in_turn(good({"data": [SESSION], "limit": 5, "offset": 10, "total": 11})))
    page = canned.run(
        sessions.list_sessions(canned.plan, limit=5, offset=10, status="completed", agent_key="a")
    )
    assert (page.data[0].tags, page.data[0].evaluation, page.total) == (
        ("appointment",),
        Evaluation(successful=True, score=0.9),
        11,
    )
    [request] = canned.requests
    assert (request.method, request.path) == ("GET", "/api/v1/voice-sessions")
    assert list(request.params) == [
        ("status", "completed"),
        ("agent_key", "a"),
        ("limit", "5"),
        ("offset", "10"),
    ]


def test_all_of_them_go_page_by_page() -> None:
    pages = [
        {"data": [SESSION] * count, "limit": 2, "offset": at, "total": 3} for at, count in ((0, 2), (2, 1))
    ]
    canned = Canned(in_turn(*map(good, pages)))
    assert len(canned.all_of(sessions.iter_sessions(canned.plan, page_size=2, stream_id="MZ1"))) == 3
    assert [dict(each.params)["offset"] for each in canned.requests] == ["0", "2"]


def test_one_session_has_what_was_said_unless_the_key_may_not_read_it() -> None:
    hidden = {**SESSION, "transcript": None, "function_calls": None}
    canned = Canned(in_turn(good({**SESSION, **WORDS}), good(hidden)))
    whole = canned.run(sessions.get_session(canned.plan, "session/1"))
    assert whole.transcript == (Turn("agent", "Hello.", 0.5),)
    assert whole.function_calls == (FunctionCall("book", {"at": "09:00"}, {"booked": True}),)
    assert canned.run(sessions.get_session(canned.plan, "session/1")).transcript is None
    assert canned.requests[0].path == "/api/v1/voice-sessions/session%2F1"


def test_what_is_stored_is_sent_as_it_is_told_and_tried_again() -> None:
    stored = {"id": "s", "outcome": "applied", "reason": None, "call_id": SESSION["call_id"], "revision": 4}
    canned = Canned(in_turn(problem(503), good(stored)))
    told = canned.run(
        sessions.put_session(
            canned.plan,
            "s",
            call_sid="CA1",
            transcript=[Turn("agent", "Hello."), {"role": "user", "text": "Hi."}],
            tags=["a"],
        )
    )
    assert (told.outcome, told.revision) == ("applied", 4)
    assert len(canned.requests) == 2
    request = canned.requests[1]
    assert (request.method, request.headers["content-type"]) == ("PUT", "application/json")
    body = json.loads(request.body or b"")
    assert set(body) == {"call_sid", "transcript", "tags"}
    assert [turn["text"] for turn in body["transcript"]] == ["Hello.", "Hi."]


def test_faults_are_errors_of_the_client() -> None:
    faults = [
        problem(404, "not-found"),
        problem(410, "erased"),
        problem(422, "invalid-body"),
        good({"data": 5}),
    ]
    canned = Canned(in_turn(*faults))
    with pytest.raises(NotFound):
        canned.run(sessions.get_session(canned.plan, "s"))
    with pytest.raises(Erased):
        canned.run(sessions.put_session(canned.plan, "s", tags=[]))
    with pytest.raises(BadRequest):
        canned.run(sessions.put_session(canned.plan, "s", status="odd"))
    with pytest.raises(UnexpectedAnswer):
        canned.run(sessions.list_sessions(canned.plan))


@pytest.mark.parametrize("session_id", ["", ".", ".."])
def test_an_id_that_no_path_can_hold_is_refused(session_id: str) -> None:
    canned = Canned(in_turn())
    with pytest.raises(InvalidInput, match="session_id"):
        canned.run(sessions.get_session(canned.plan, session_id))


def test_what_is_no_json_is_refused_before_it_is_sent() -> None:
    canned = Canned(in_turn())
    with pytest.raises(InvalidInput, match="JSON"):
        canned.run(sessions.put_session(canned.plan, "s", evaluation={"details": object()}))
    assert canned.requests == []
