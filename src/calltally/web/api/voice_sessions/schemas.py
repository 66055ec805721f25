"""Voice sessions in the API. Times are RFC 3339 in UTC."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from calltally.calls.conversation import Evaluation, FunctionCall, Turn
from calltally.calls.events import IngestOutcome
from calltally.calls.sessions import SESSION_STATUSES
from calltally.calls.wire_types import Timestamp, UuidText
from calltally.web.response.paging import PageFields

SESSION_TAG: Final = "Voice sessions"
_Status = Annotated[str, Meta(extra_json_schema={"enum": list(SESSION_STATUSES)})]
_Outcome = Annotated[str, Meta(extra_json_schema={"enum": list(IngestOutcome)})]


class VoiceSession(msgspec.Struct, frozen=True):
    """One session: the conversation of a call. Unknown values are null.

    `call_sid` and `call_id` name its call. `status` is active, completed or failed: from the platform or the
    tenant, else from the state of the call. The counts are null without a report of turns or function calls.
    `revision` is the tenant's revision with this state.
    """

    id: str
    stream_id: str | None
    call_sid: str
    call_id: UuidText
    agent_key: str | None
    status: _Status
    summary: str | None
    tags: list[str]
    evaluation: Evaluation | None
    function_call_count: int | None
    transcript_turn_count: int | None
    created_at: Timestamp
    ended_at: Timestamp | None
    revision: int
    updated_at: Timestamp


class VoiceSessionDetail(VoiceSession, frozen=True):
    """One session with its transcript and function calls; both are null without `transcripts:read`."""

    transcript: list[Turn] | None
    function_calls: list[FunctionCall] | None


class VoiceSessionList(PageFields, frozen=True):
    """One page, newest first, without transcripts."""

    data: list[VoiceSession]


class VoiceSessionOutcome(msgspec.Struct, frozen=True):
    """The outcome: applied, duplicate or ignored (stored, without a change)."""

    id: str
    outcome: _Outcome
    reason: str | None
    call_id: UuidText
    revision: int | None


EXAMPLE_SESSION: Final[dict[str, Any]] = {
    "id": "session-1001",
    "stream_id": "MZ1234567890abcdef1234567890abcdef",
    "call_sid": "CA1234567890abcdef1234567890abcdef",
    "call_id": "550e8400-e29b-41d4-a716-446655440000",
    "agent_key": "scheduler",
    "status": "completed",
    "summary": "Customer confirmed appointment time.",
    "tags": ["appointment"],
    "evaluation": {"successful": True, "score": 0.9, "reason": "The time was confirmed.", "details": None},
    "function_call_count": 1,
    "transcript_turn_count": 2,
    "created_at": "2026-10-01T09:30:08.000000Z",
    "ended_at": "2026-10-01T09:32:30.000000Z",
    "revision": 4,
    "updated_at": "2026-10-01T09:32:31.204418Z",
}
EXAMPLE_WORDS: Final[dict[str, Any]] = {
    "transcript": [
        {
            "role": "agent",
            "text": "Does Thursday at nine suit you?",
            "start_seconds": 4.2,
            "end_seconds": 6.0,
        },
        {"role": "user", "text": "Yes, it does.", "start_seconds": 6.8, "end_seconds": 7.5},
    ],
    "function_calls": [
        {
            "name": "book_appointment",
            "arguments": {"day": "Thursday", "time": "09:00"},
            "result": {"booked": True},
            "error": None,
            "start_seconds": 8.1,
            "duration_seconds": 0.4,
        }
    ],
}
EXAMPLE_BODY: Final[dict[str, Any]] = {
    "call_sid": EXAMPLE_SESSION["call_sid"],
    "stream_id": EXAMPLE_SESSION["stream_id"],
    "summary": EXAMPLE_SESSION["summary"],
    "tags": EXAMPLE_SESSION["tags"],
    "evaluation": {"successful": True, "score": 0.9, "reason": "The time was confirmed."},
    **EXAMPLE_WORDS,
}
