"""Sessions over HTTP: stored in parts, listed without transcripts, read with the right scope."""

from typing import Any

import pytest

from tests.integration.web.service import LIST, Service, invalid_parameters, slug

SESSIONS = "/api/v1/voice-sessions"
SID = "CA" + "0" * 32
TURNS = [
    {"role": "agent", "text": "Good morning.", "start_seconds": 0.5, "end_seconds": 1.2},
    {"role": "user", "text": "Do you have anchovies?", "start_seconds": None, "end_seconds": None},
]
TOOL = {
    "name": "look_up",
    "arguments": {"dish": "anchovies", "number": 12345678901234567890123},
    "result": [True, None],
    "error": None,
    "start_seconds": 2.5,
    "duration_seconds": 0.25,
}
BODY: dict[str, Any] = {
    "call_sid": SID,
    "stream_id": "MZ1",
    "agent_key": "ada",
    "summary": "Asked about the menu.",
    "tags": ["menu", "menu"],
    "evaluation": {"successful": True, "score": 0.5, "reason": "Answered.", "details": {"steps": 2}},
    "transcript": TURNS,
    "function_calls": [TOOL],
}


def put(service: Service, name: str, body: dict[str, Any], **headers: str) -> Any:  # noqa: ANN401 (an answer)
    key = headers or service.new_key("events:write")
    service.bench.now_us += 1
    return service.send(f"{SESSIONS}/{name}", body, key, method="PUT")


@pytest.fixture
def stored(service: Service) -> Service:
    service.report(SID, {"status": "ringing", "direction": "inbound"})
    assert put(service, "s-1", BODY).status_code == 200
    return service


def test_stored_session_is_read_back(stored: Service) -> None:
    session = stored.get(f"{SESSIONS}/s-1", stored.new_key("calls:read", "transcripts:read")).json()
    assert (session["transcript"], session["function_calls"]) == (TURNS, [TOOL])
    assert (session["call_sid"], session["stream_id"], session["agent_key"]) == (SID, "MZ1", "ada")
    assert (session["tags"], session["evaluation"], session["status"]) == (
        ["menu"],
        BODY["evaluation"],
        "active",
    )
    assert (session["transcript_turn_count"], session["function_call_count"]) == (2, 1)


def test_transcripts_are_not_listed_and_need_their_scope(stored: Service) -> None:
    reader = stored.new_key("calls:read", "transcripts:read")
    for headers in (reader, stored.key):
        [listed] = stored.get(SESSIONS, headers).json()["data"]
        assert not {"transcript", "function_calls"} & {*listed}
        assert "anchovies" not in stored.get(LIST, headers).text
    assert stored.get(f"{SESSIONS}/s-1").json()["transcript"] is None
    assert "anchovies" not in stored.get(f"{SESSIONS}/s-1").text
    assert "anchovies" not in stored.get(f"{LIST}/{SID}").text
    assert stored.get(f"{LIST}/{SID}", reader).json()["session"]["transcript"] == TURNS


def test_search_finds_transcripts_for_their_readers_alone(stored: Service) -> None:
    reader = stored.new_key("calls:read", "transcripts:read")
    assert stored.get(f"{LIST}?q=anchovies", reader).json()["total"] == 1
    assert stored.get(f"{LIST}?q=anchovies").json()["total"] == 0
    assert stored.get(f"{LIST}?q=menu").json()["total"] == 1


def test_session_can_be_stored_in_parts_and_the_last_value_wins(stored: Service) -> None:
    assert put(stored, "s-1", {"evaluation": {"successful": False}}).json()["outcome"] == "applied"
    assert put(stored, "s-1", {"summary": "First."}).json()["outcome"] == "applied"
    assert put(stored, "s-1", {"summary": "Second."}).json()["outcome"] == "applied"
    assert put(stored, "s-1", {"summary": "First."}).json()["outcome"] == "applied"
    assert put(stored, "s-1", {"summary": "First."}).json()["outcome"] == "ignored"
    session = stored.get(f"{SESSIONS}/s-1", stored.new_key("calls:read", "transcripts:read")).json()
    assert (session["summary"], session["evaluation"]["successful"]) == ("First.", False)
    assert session["transcript"] == TURNS


def test_turns_with_times_are_ordered_by_time(service: Service) -> None:
    late, early = "2026-10-01T09:31:00Z", "2026-10-01T09:30:00Z"
    put(service, "s-1", {"call_sid": SID, "summary": "Late.", "occurred_at": late})
    put(service, "s-1", {"call_sid": SID, "summary": "Early.", "occurred_at": early})
    again = put(service, "s-1", {"call_sid": SID, "summary": "Late.", "occurred_at": late})
    assert again.json()["outcome"] == "duplicate"
    assert service.get(f"{SESSIONS}/s-1").json()["summary"] == "Late."


def test_session_can_arrive_before_or_after_its_call(service: Service) -> None:
    put(service, "s-1", BODY)
    service.report(SID, {"status": "completed", "talk_seconds": 30})
    call = service.get(f"{LIST}/{SID}").json()
    assert (call["status"], call["session"]["id"], call["session"]["status"]) == (
        "completed",
        "s-1",
        "completed",
    )
    assert call["summary"] == BODY["summary"]


def test_new_session_must_name_its_call(service: Service) -> None:
    answer = put(service, "s-9", {"summary": "Whose?"})
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert answer.json()["errors"][0]["parameter"] == "call_sid"
    service.report("call-9", {"status": "ringing", "session_id": "s-9"})
    assert put(service, "s-9", {"summary": "Its own."}).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "asleep"}, "status"),
        ({"transcript": [{"role": "user"}]}, "text"),
        ({"transcript": [{"role": "user", "text": "x", "start_seconds": -1}]}, "start_seconds"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"evaluation": {"details": {"n": 2**70}}}, "evaluation.details"),
        ({"sumary": "x"}, "sumary"),
    ],
)
def test_invalid_session_names_the_field(stored: Service, body: dict[str, Any], field: str) -> None:
    answer = put(stored, "s-1", body)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert field in answer.json()["errors"][0]["parameter"]


def test_filters_and_pages(stored: Service) -> None:
    put(stored, "s-2", {"call_sid": "call-2", "agent_key": "bea"})
    page = stored.get(f"{SESSIONS}?limit=1").json()
    assert (page["limit"], page["offset"], page["total"], len(page["data"])) == (1, 0, 2, 1)
    assert [each["id"] for each in stored.get(f"{SESSIONS}?agent_key=ada").json()["data"]] == ["s-1"]
    assert [each["id"] for each in stored.get(f"{SESSIONS}?stream_id=MZ1").json()["data"]] == ["s-1"]
    assert stored.get(f"{SESSIONS}?status=completed").json()["total"] == 0
    assert stored.get(f"{SESSIONS}?offset=2").json()["data"] == []
    assert invalid_parameters(stored.get(f"{SESSIONS}?status=asleep&limit=0")) == ["status", "limit"]


def test_session_of_another_tenant_is_not_found(stored: Service) -> None:
    other = stored.bench.new_tenant()
    key = stored.new_key("calls:read", "transcripts:read", tenant=other)
    assert stored.get(f"{SESSIONS}/s-1", key).status_code == 404
    assert stored.get(SESSIONS, key).json()["total"] == 0


def test_sessions_need_their_scopes(stored: Service) -> None:
    assert put(stored, "s-1", {"summary": "x"}, **stored.key).status_code == 403
    assert stored.get(SESSIONS, stored.new_key("events:write")).status_code == 403


def test_call_has_its_end_reason(service: Service) -> None:
    service.report(
        SID, {"status": "failed", "sip_code": 503, "end_reason": "weird-word", "direction": "outbound"}
    )
    call = service.get(f"{LIST}/{SID}").json()
    assert call["end_reason"] == "provider-error"
    assert call["ending"] == {
        "reason": "provider-error",
        "explanation": "The provider of the call failed.",
        "side": "provider",
        "provider_word": "weird-word",
        "hangup_cause": None,
        "sip_code": 503,
    }
    service.report("open", {"status": "ringing"})
    assert service.get(f"{LIST}/open").json()["ending"] is None
