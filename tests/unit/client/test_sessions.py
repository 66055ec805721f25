"""Operations on sessions: requests, bodies and errors."""

import json
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.client import Evaluation, FunctionCall, Turn, sessions
from calltally.client.errors import BadRequestError, ErasedError, NotFoundError, UnexpectedAnswer
from tests.unit.client.canned import Canned, good, in_sequence, problem

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
TRANSCRIPT = {
    "transcript": [{"role": "agent", "text": "Hello.", "start_seconds": 0.5, "end_seconds": None}],
    "function_calls": [{"name": "book", "arguments": {"at": "09:00"}, "result": {"booked": True}}],
}


def test_list_sends_the_filters() -> None:
    canned = Canned(in_sequence(good({"data": [SESSION], "limit": 5, "offset": 10, "total": 11})))
    page = canned.run(sessions.list_sessions(canned, limit=5, offset=10, status="completed", agent_key="a"))
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


def test_sessions_are_iterated_page_by_page() -> None:
    pages = [
        {"data": [SESSION] * count, "limit": 2, "offset": at, "total": 3} for at, count in ((0, 2), (2, 1))
    ]
    canned = Canned(in_sequence(*map(good, pages)))
    assert len(canned.all_of(sessions.iter_sessions(canned, page_size=2, stream_id="MZ1"))) == 3
    assert [dict(each.params)["offset"] for each in canned.requests] == ["0", "2"]


def test_session_has_its_transcript_if_the_key_may_read_it() -> None:
    hidden = {**SESSION, "transcript": None, "function_calls": None}
    canned = Canned(in_sequence(good({**SESSION, **TRANSCRIPT}), good(hidden)))
    whole = canned.run(sessions.get_session(canned, "session/1"))
    assert whole.transcript == (Turn("agent", "Hello.", 0.5),)
    assert whole.function_calls == (FunctionCall("book", {"at": "09:00"}, {"booked": True}),)
    assert canned.run(sessions.get_session(canned, "session/1")).transcript is None
    assert canned.requests[0].path == "/api/v1/voice-sessions/session%2F1"


def test_put_session_sends_the_given_fields_and_retries() -> None:
    stored = {"id": "s", "outcome": "applied", "reason": None, "call_id": SESSION["call_id"], "revision": 4}
    canned = Canned(in_sequence(problem(503), good(stored)))
    result = canned.run(
        sessions.put_session(
            canned,
            "s",
            call_sid="CA1",
            transcript=[Turn("agent", "Hello."), {"role": "user", "text": "Hi."}],
            tags=["a"],
        )
    )
    assert (result.outcome, result.revision) == ("applied", 4)
    assert len(canned.requests) == 2
    request = canned.requests[1]
    assert (request.method, request.headers["content-type"]) == ("PUT", "application/json")
    body = json.loads(request.body or b"")
    assert set(body) == {"call_sid", "transcript", "tags"}
    assert [turn["text"] for turn in body["transcript"]] == ["Hello.", "Hi."]


def test_faults_are_client_errors() -> None:
    faults = [
        problem(404, "not-found"),
        problem(410, "erased"),
        problem(422, "invalid-body"),
        good({"data": 5}),
    ]
    canned = Canned(in_sequence(*faults))
    with pytest.raises(NotFoundError):
        canned.run(sessions.get_session(canned, "s"))
    with pytest.raises(ErasedError):
        canned.run(sessions.put_session(canned, "s", tags=[]))
    with pytest.raises(BadRequestError):
        canned.run(sessions.put_session(canned, "s", status="odd"))  # type: ignore[arg-type] # a wrong word
    with pytest.raises(UnexpectedAnswer):
        canned.run(sessions.list_sessions(canned))


@pytest.mark.parametrize("session_id", ["", ".", ".."])
def test_id_that_changes_the_path_is_refused(session_id: str) -> None:
    canned = Canned(in_sequence())
    with pytest.raises(InvalidInput, match="session_id"):
        canned.run(sessions.get_session(canned, session_id))


def test_value_that_is_no_json_is_refused_before_the_request() -> None:
    canned = Canned(in_sequence())
    with pytest.raises(InvalidInput, match="JSON"):
        canned.run(sessions.put_session(canned, "s", evaluation={"details": object()}))
    assert canned.requests == []
