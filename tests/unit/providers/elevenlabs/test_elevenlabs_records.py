"""Records of ElevenLabs' conversations: results of carriers, failures after a talk, texts, and numbers."""

import json
from itertools import permutations
from typing import Any

import pytest

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.elevenlabs import normalise
from tests.unit.providers.elevenlabs.samples import BUSY, CONVERSATION, FAILED, TALK, event
from tests.unit.providers.sampling import NOW_US

START_S = 1_787_385_600
UNACCEPTED: dict[str, Any] = {
    "start_time_unix_secs": START_S,
    "accepted_time_unix_secs": None,
    "call_duration_secs": 40,
}


def conversation(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return a conversation with changed fields; those of `phone_call` and `metadata` are merged."""
    metadata = {**CONVERSATION["metadata"], **changes.pop("metadata", {})}
    metadata["phone_call"] = {**metadata["phone_call"], **changes.pop("phone_call", {})}
    return {**CONVERSATION, **changes, "metadata": metadata}


def parsed(kind: str, data: dict[str, Any]) -> list[Fact]:
    body = event(kind, 1_787_385_660, data).body
    return normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))


def record_of(data: dict[str, Any]) -> Call:
    facts = parsed("post_call_transcription", data)
    return fold("acme", Node(TALK, is_carrier=False), [*facts, *facts]).call


@pytest.mark.parametrize(
    ("result", "status", "reason"),
    [("busy", "busy", "busy"), ("no_answer", "no-answer", "no-answer"), ("failed", "failed", None)],
)
def test_the_result_of_the_carrier_decides(result: str, status: str, reason: str | None) -> None:
    """The conversation of a busy call is `done`, and lasted as long as the telephone rang."""
    data = conversation(
        transcript=[],
        metadata={**UNACCEPTED, "termination_reason": ""},
        phone_call={"call_result": result, "direction": "outbound"},
    )
    record = record_of(data)
    assert (record.status, record.duration_seconds, record.answered_at) == (status, 0, None)
    assert (record.created_at[:19], (record.ended_at or "")[:19]) == (
        "2026-08-22T08:00:00",
        "2026-08-22T08:00:40",
    )
    assert (record.from_number, record.to_number) == ("+14155550100", "+14155550123")
    assert reason is None or record.end_reason == reason


def test_a_mailbox_is_answered_by_a_machine() -> None:
    record = record_of(conversation(phone_call={"call_result": "voicemail"}))
    assert (record.status, record.answered_by) == ("completed", "machine")


@pytest.mark.parametrize(
    "changes",
    [{}, {"metadata": UNACCEPTED}, {"transcript": [], "metadata": {"accepted_time_unix_secs": START_S}}],
)
def test_calls_that_fail_after_a_talk_keep_it(changes: dict[str, Any]) -> None:
    record = record_of(conversation(status="failed", **changes))
    assert record.status == "completed"
    assert record.duration_seconds in (40, 42)
    assert record.answered_at is not None


def test_conversations_that_fail_without_a_talk_start_at_their_start() -> None:
    error = {"code": 1011, "reason": "The custom LLM returned an error"}
    data = conversation(
        status="failed",
        transcript=[],
        metadata={**UNACCEPTED, "termination_reason": "", "error": error},
        phone_call={"call_result": None},
    )
    record = record_of(data)
    assert (record.status, record.error_code, record.duration_seconds) == ("failed", "1011", 0)
    assert (record.created_at[:19], record.end_reason) == ("2026-08-22T08:00:00", "agent-error")


TEXTS: list[dict[str, Any]] = [
    {"text_only": True, "phone_call": None},
    {"sms": {"direction": "inbound", "sms_user_id": "+14155550123"}, "phone_call": None},
    {"conversation_initiation_source": "telegram_integration", "phone_call": None},
]


@pytest.mark.parametrize("metadata", TEXTS)
def test_written_conversations_are_no_calls(metadata: dict[str, Any]) -> None:
    data = {**CONVERSATION, "metadata": {**CONVERSATION["metadata"], **metadata}}
    assert parsed("post_call_transcription", data) == []
    page = {"conversations": [data, CONVERSATION], "has_more": False}
    for file in (page, data, [data, CONVERSATION]):
        source = RecordSource(Channel.IMPORT, NOW_US)
        found = list(normalise.list_facts([json.dumps(file).encode()], source))
        assert not any(isinstance(each, UnreadableRecord) for each in found)
        assert len(found) == (0 if file is data else 1)


def test_a_call_with_a_text_only_agent_remains_a_call() -> None:
    assert len(parsed("post_call_transcription", conversation(metadata={"text_only": True}))) == 1


WHATSAPP: dict[str, Any] = {
    "phone_call": None,
    "conversation_initiation_source": "whatsapp",
    "whatsapp": {"direction": "inbound", "whatsapp_user_id": "u-1"},
}


@pytest.mark.parametrize(
    ("media", "metadata", "calls"),
    [
        (("text", "image"), WHATSAPP, 0),
        (("text", "audio"), WHATSAPP, 1),
        (("dtmf",), {**WHATSAPP, "conversation_initiation_source": "telegram_integration"}, 1),
        (("text",), {**WHATSAPP, "whatsapp": {"whatsapp_user_id": "u-1", "call_result": "answered"}}, 1),
        (("text",), {"phone_call": None, "conversation_initiation_source": "widget"}, 0),
        (("text",), {}, 1),
        ((), WHATSAPP, 1),
    ],
)
def test_the_media_of_the_persons_turns_decide(
    media: tuple[str, ...], metadata: dict[str, Any], calls: int
) -> None:
    transcript = [
        {"role": "agent", "message": "Hello.", "source_medium": None, "time_in_call_secs": 0},
        *({"role": "user", "message": "x", "source_medium": each, "time_in_call_secs": 1} for each in media),
    ]
    data = {**CONVERSATION, "transcript": transcript, "metadata": {**CONVERSATION["metadata"], **metadata}}
    assert len(parsed("post_call_transcription", data)) == calls


FAILURES: list[dict[str, Any]] = [
    {
        "type": "twilio",
        "body": {
            "From": "+14155550100",
            "To": "+14155550123",
            "Direction": "outbound-api",
            "CallStatus": "busy",
            "SipResponseCode": "486",
        },
    },
    {
        "type": "sip",
        "body": {
            "from_number": "+14155550100",
            "to_number": "+14155550123",
            "sip_status_code": 486,
            "twirp_code": "resource_exhausted",
        },
    },
]


@pytest.mark.parametrize("metadata", FAILURES)
def test_failed_calls_have_numbers_and_codes(metadata: dict[str, Any]) -> None:
    facts = parsed("call_initiation_failure", {**FAILED, "metadata": metadata})
    record = fold("acme", Node(BUSY, is_carrier=False), facts).call
    assert (record.status, record.from_number, record.to_number) == ("busy", "+14155550100", "+14155550123")
    assert record.sip_code == 486
    assert record.direction == ("outbound" if metadata["type"] == "twilio" else None)


def test_a_failure_and_a_result_agree_in_any_order() -> None:
    data = conversation(
        conversation_id=BUSY, transcript=[], metadata=UNACCEPTED, phone_call={"call_result": "busy"}
    )
    facts = [*parsed("call_initiation_failure", FAILED), *parsed("post_call_transcription", data)]
    orders = permutations([*facts, facts[0]])
    record, *others = [fold("acme", Node(BUSY, is_carrier=False), order).call for order in orders]
    assert all(other == record for other in others)
    assert (record.status, record.created_at[:19]) == ("busy", "2026-08-22T08:00:00")


def test_dynamic_variables_and_the_user_are_metadata() -> None:
    given = {"dynamic_variables": {"order": "7", "system__call_duration_secs": 42}, "user_id": "u-1"}
    record = record_of(conversation(conversation_initiation_client_data=given, user_id=None))
    assert record.metadata == {"user_id": "u-1", "dynamic_variables": given["dynamic_variables"]}


def test_the_cost_in_dollars_counts_and_credits_do_not() -> None:
    assert record_of(conversation(metadata={"cost_fiat": None})).cost is None
    assert record_of(conversation(metadata={"cost_fiat": 0.125})).cost == {
        "amount": "0.125",
        "currency": "USD",
    }


def test_unreadable_secondary_values_keep_the_final_state() -> None:
    data = conversation(
        metadata={"termination_reason": "x" * 300},
        phone_call={"external_number": "\0", "call_sid": "x" * 999},
    )
    [fact] = parsed("post_call_transcription", data)
    assert fact.stated["status"] == "completed"
    assert sorted(fact.stated["unread_fields"]) == [
        "metadata.phone_call.call_sid",
        "metadata.phone_call.external_number",
        "metadata.termination_reason",
    ]
