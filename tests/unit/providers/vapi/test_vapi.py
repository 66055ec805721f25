"""Peculiarities of Vapi: three authentication schemes, end word patterns, and reports of conversations."""

import json
from typing import Any

import pytest

from calltally.calls.conversation import unpack_conversation
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold, fold_ending
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.platform_reports import match_end_reason
from calltally.providers.signatures import hmac_of
from calltally.providers.vapi import normalise, words
from calltally.providers.vapi.signature import verify
from tests.unit.providers.sampling import NOW_US
from tests.unit.providers.vapi.samples import CARRIER, REPORT, TALK, TALKED, call, message

SECRETS = {"secret": "the-secret"}


def received(body: bytes = b"{}", **headers: str) -> Callback:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Callback("POST", "https://calls.example/", named, body, NOW_US)


def parsed(sent_body: bytes) -> Fact:
    [fact] = normalise.facts_of(received(sent_body))
    return fact


def test_a_secret_is_enough_but_does_not_excuse_a_wrong_signature() -> None:
    assert verify(received(x_vapi_secret="the-secret"), SECRETS)
    assert verify(received(authorization="Bearer the-secret"), SECRETS)
    assert not verify(received(x_vapi_secret="another"), SECRETS)
    assert not verify(received(x_vapi_secret="the-secret", x_vapi_signature="00"), SECRETS)
    assert not verify(received(x_vapi_secret=""), {"secret": ""})


def test_signatures_with_a_time_cover_it_and_expire() -> None:
    for stamp in (str(NOW_US // SECOND_US), str(NOW_US // 1_000)):
        signed = hmac_of(b"the-secret", stamp.encode() + b".{}").hex()
        assert verify(received(x_vapi_signature=f"sha256={signed}", x_vapi_timestamp=stamp), SECRETS)
        assert not verify(received(x_vapi_signature=signed, x_vapi_timestamp=stamp + "0"), SECRETS)
    old = str(NOW_US // SECOND_US - 301)
    signed = hmac_of(b"the-secret", old.encode() + b".{}").hex()
    assert not verify(received(x_vapi_signature=signed, x_vapi_timestamp=old), SECRETS)


def test_reports_contain_the_conversation_and_link_the_carrier_call() -> None:
    fact = parsed(REPORT.body)
    assert fact.links == (Node(CARRIER, is_carrier=True),)
    record = fold("acme", Node(TALK, is_carrier=False), [fact]).call
    assert {name: getattr(record, name) for name in TALKED} == TALKED
    conversation = unpack_conversation(fact.conversation)
    assert [(turn.role, turn.text, turn.end_seconds) for turn in conversation.transcript or ()] == [
        ("agent", "Good morning.", 1.9),
        ("user", "At eight, please.", 4.7),
    ]
    [tool] = conversation.function_calls or []
    assert (tool.name, tool.arguments, tool.result) == ("book", {"at": "20:00"}, {"booked": True})
    assert (tool.start_seconds, tool.duration_seconds) == (5.0, 0.5)
    assert fact.stated["session"]["evaluation"]["successful"] is True


@pytest.mark.parametrize(
    ("word", "reason", "side"),
    [
        ("customer-ended-call", "remote-hung-up", None),
        ("assistant-ended-call-after-message-spoken", "local-hung-up", None),
        ("assistant-forwarded-call", "transferred", None),
        ("silence-timed-out", "silence", None),
        ("exceeded-max-duration", "limit-reached", "tenant"),
        ("voicemail", "voicemail", None),
        ("customer-did-not-answer", "no-answer", None),
        ("customer-busy", "busy", None),
        ("assistant-join-timed-out", "timeout", None),
        ("twilio-failed-to-connect-call", "network", "network"),
        ("vonage-rejected", "rejected", "called"),
        ("call.in-progress.error-sip-outbound-call-failed-to-connect", "network", "network"),
        ("call.start.error-vapifault-get-org", "provider-error", "provider"),
        ("call.in-progress.error-providerfault-openai-500-server-error", "provider-error", "provider"),
        ("pipeline-error-openai-401-incorrect-api-key", "agent-error", "tenant"),
        ("pipeline-error-openai-429-exceeded-quota", "limit-reached", "tenant"),
        ("pipeline-error-eleven-labs-voice-not-found", "agent-error", "tenant"),
        ("call-start-error-neither-assistant-nor-server-set", "agent-error", "tenant"),
        ("pipeline-no-available-llm-model", "agent-error", "tenant"),
        ("call.in-progress.error-vapifault-worker-died", "provider-error", "provider"),
    ],
)
def test_end_words_match_their_patterns(word: str, reason: str, side: str | None) -> None:
    why = match_end_reason(word, words.END_REASON_PATTERNS)
    assert why is not None
    assert (why.reason, why.side) == (reason, side)


def test_unmatched_words_are_stored_without_an_error() -> None:
    fact = parsed(
        message("end-of-call-report", 1, {"id": "c-1"}, endedReason="eaten-by-a-grue").body.replace(
            b'"timestamp": 1,', b""
        )
    )
    ending = fold_ending([fact])
    assert (ending.reason, ending.provider_word) == ("unknown", "eaten-by-a-grue")


def test_ignored_messages_give_no_facts() -> None:
    bodies: list[Any] = [{"type": kind, "call": {"id": "c-1"}} for kind in ("transcript", "speech-update")]
    assert [normalise.facts_of(received(json.dumps({"message": body}).encode())) for body in bodies] == [
        [],
        [],
    ]


def ended(word: str, **fields: object) -> Call:
    """Return the record of a report with an end reason, a start and an end."""
    done = {"startedAt": "2026-08-22T08:00:10.000Z", "endedAt": "2026-08-22T08:00:52.700Z", **fields}
    stated = {name: value for name, value in done.items() if value is not None}
    report = message("end-of-call-report", 1_787_385_660_000, call(TALK), endedReason=word, **stated)
    return fold("acme", Node(TALK, is_carrier=False), [parsed(report.body)]).call


FAILED_HAND_OVERS = (
    *("call.forwarding.operator-busy", "call.forwarding.no-answer", "call.in-progress.error-transfer-failed"),
    *(
        f"call.in-progress.error-warm-transfer-{how}"
        for how in ("max-duration", "assistant-cancelled", "silence-timeout", "microphone-timeout")
    ),
)


@pytest.mark.parametrize("word", FAILED_HAND_OVERS)
@pytest.mark.parametrize("started_at", ["2026-08-22T08:00:10.000Z", None])
def test_failed_transfers_are_not_bridged(word: str, started_at: str | None) -> None:
    found = ended(word, startedAt=started_at, destination={"type": "number", "number": "+14155550999"})
    assert (found.status, found.end_reason) == ("completed", "agent-error")
    assert found.transfer == {"target": "+14155550999", "outcome": "failed"}


def test_a_customer_hang_up_during_a_transfer_fails_it() -> None:
    found = ended("customer-ended-call-during-transfer")
    assert (found.end_reason, found.transfer) == ("remote-hung-up", {"target": None, "outcome": "failed"})


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        *((status, "bridged", "transferred") for status in ("connected", "completed")),
        *(
            (status, "failed", "agent-error")
            for status in ("no-answer", "busy", "voicemail", "failed", "cancelled")
        ),
        ("dreaming", "bridged", "transferred"),
    ],
)
def test_transfer_records_give_the_outcome(status: str, outcome: str, reason: str) -> None:
    """`assistant-forwarded-call` proves a transfer, but not an answer to it."""
    transfers = [
        {"status": "busy", "destination": {"type": "number", "number": "+14155550998"}},
        {"status": status, "destination": {"type": "number", "number": "+14155550999"}},
    ]
    found = ended("assistant-forwarded-call", artifact={"transfers": transfers})
    assert (found.status, found.end_reason) == ("completed", reason)
    assert found.transfer == {"target": "+14155550999", "outcome": outcome}


def test_transfers_without_a_record_follow_the_end_word() -> None:
    found = ended("assistant-forwarded-call", artifact={"transfers": ["a text"]})
    assert (found.end_reason, found.transfer) == ("transferred", {"target": None, "outcome": "bridged"})


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("call.start.error-subscription-frozen", "failed"),
        ("call.start.error-vapifault-get-org", "failed"),
        ("call-start-error-neither-assistant-nor-server-set", "failed"),
        ("call.ringing.error-sip-inbound-call-failed-to-connect", "failed"),
        ("call.ringing.sip-inbound-caller-hungup-before-call-connect", "canceled"),
        ("call.ringing.hook-executed-say", "no-answer"),
        ("call.ringing.hook-executed-transfer-failed", "no-answer"),
        ("twilio-failed-to-connect-call", "failed"),
        ("vonage-failed-to-connect-call", "failed"),
        ("call.in-progress.error-sip-outbound-call-failed-to-connect", "failed"),
        ("call.in-progress.error-vapifault-transport-never-connected", "failed"),
        ("call.in-progress.error-providerfault-transport-never-connected", "failed"),
        ("call.in-progress.error-providerfault-outbound-sip-403-forbidden", "failed"),
        ("call.in-progress.error-providerfault-outbound-sip-408-request-timeout", "no-answer"),
        ("call.in-progress.error-providerfault-outbound-sip-480-temporarily-unavailable", "no-answer"),
        ("call.in-progress.error-providerfault-outbound-sip-503-service-unavailable", "failed"),
        ("phone-call-provider-bypass-enabled-but-no-call-received", "failed"),
        ("scheduled-call-deleted", "canceled"),
        ("manually-canceled", "canceled"),
    ],
)
def test_calls_that_never_connect_are_not_completed(word: str, status: str) -> None:
    found = ended(word, durationSeconds=42.7)
    assert (found.status, found.duration_seconds, found.answered_at) == (status, 0, None)


@pytest.mark.parametrize("word", ["customer-ended-call", "silence-timed-out", "assistant-ended-call"])
def test_calls_with_a_talk_are_completed(word: str) -> None:
    found = ended(word, durationSeconds=42.7)
    assert (found.status, found.duration_seconds) == ("completed", 42)


CREATED, STARTED, ENDED = (f"2026-08-22T08:0{minute}:00.000Z" for minute in range(3))


def record_of(*bodies: bytes) -> Call:
    return fold("acme", Node(TALK, is_carrier=False), [parsed(body) for body in bodies]).call


@pytest.mark.parametrize("word", ["customer-busy", "customer-ended-call", "call.start.error-get-transport"])
def test_created_at_is_the_creation_for_every_outcome(word: str) -> None:
    """The order and repeats of messages do not matter, nor does a start in the nested call."""
    of = call(TALK, createdAt=CREATED)
    ringing = message("status-update", 1_787_385_630_000, of, status="ringing").body
    report = message("end-of-call-report", 1_787_385_800_000, of, endedReason=word, endedAt=ENDED).body
    nested = message(
        "end-of-call-report",
        1_787_385_800_000,
        {**of, "startedAt": STARTED, "endedAt": ENDED},
        endedReason=word,
    ).body
    for bodies in ([ringing, report], [report, ringing, report], [nested], [nested, ringing]):
        record = record_of(*bodies)
        assert record.created_at.startswith("2026-08-22T08:00:00")
        assert record.ended_at is not None
        assert record.ended_at.startswith("2026-08-22T08:02:00")


def test_calls_of_the_list_are_dated_at_their_creation() -> None:
    listed = {**call(TALK), "createdAt": CREATED, "endedAt": ENDED, "endedReason": "customer-busy"}
    fact = normalise.call_fact(listed, RecordSource(Channel.PROVIDER_LIST, NOW_US))
    record = fold("acme", Node(TALK, is_carrier=False), [fact]).call
    assert (record.status, record.created_at[:19]) == ("busy", "2026-08-22T08:00:00")


def test_scheduled_calls_start_with_their_connection() -> None:
    plan = {"earliestAt": "2026-08-29T08:00:00.000Z"}
    of = call(TALK, createdAt="2026-08-15T08:00:00.000Z", schedulePlan=plan)
    body = message(
        "end-of-call-report",
        1_787_385_800_000,
        of,
        endedReason="customer-busy",
        startedAt=STARTED,
        endedAt=ENDED,
    ).body
    assert record_of(body).created_at.startswith("2026-08-22T08:01:00")


def test_the_recording_is_read_from_its_present_field() -> None:
    urls = {"stereoUrl": "https://s.example/2.wav", "mono": {"combinedUrl": "https://s.example/1.wav"}}
    assert (
        ended("customer-ended-call", artifact={"recording": urls}).recording_url == "https://s.example/1.wav"
    )
    stereo = {"recording": {"stereoUrl": "https://s.example/2.wav", "mono": {}}, "recordingUrl": ""}
    assert ended("customer-ended-call", artifact=stereo).recording_url == "https://s.example/2.wav"


def test_a_mailbox_is_answered_by_a_machine() -> None:
    record = ended("voicemail", durationSeconds=20)
    assert (record.status, record.answered_by, record.end_reason) == ("completed", "machine", "voicemail")


def test_calls_forwarded_before_an_answer_are_requested_transfers() -> None:
    record = ended(
        "assistant-request-returned-forwarding-phone-number", destination={"number": "+14155550999"}
    )
    assert (record.status, record.transfer) == (
        "no-answer",
        {"target": "+14155550999", "outcome": "requested"},
    )


def test_transfers_to_sip_addresses_have_a_target() -> None:
    transfers = [{"status": "completed", "destination": {"type": "sip", "sipUri": "sip:desk@example.com"}}]
    record = ended("assistant-forwarded-call", artifact={"transfers": transfers})
    assert record.transfer == {"target": "sip:desk@example.com", "outcome": "bridged"}


def test_metadata_and_variables_of_a_call_are_kept() -> None:
    given = {"metadata": {"order": 7}, "variableValues": {"name": "Ada"}}
    body = message("end-of-call-report", 1_787_385_800_000, call(TALK, assistantOverrides=given)).body
    assert record_of(body).metadata == {"order": 7, "variables": {"name": "Ada"}}
    final = {"variableValues": {"name": "Ada", "party": 2}}
    assert ended("customer-ended-call", artifact=final).metadata == {"variables": final["variableValues"]}


@pytest.mark.parametrize("status", ["not-found", "deletion-failed"])
def test_a_failed_deletion_states_no_state(status: str) -> None:
    body = message("status-update", 1_787_385_800_000, call(TALK, status=status), status=status).body
    assert "status" not in parsed(body).stated
