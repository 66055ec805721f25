"""Peculiarities of ElevenLabs: signatures, conversations, and failed calls."""

import time

import pytest

from calltally.calls.conversation import unpack_conversation
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.providers.callback import Callback
from calltally.providers.elevenlabs import normalise, words
from calltally.providers.platform_reports import match_end_reason
from tests.unit.providers.elevenlabs.samples import (
    BUSY,
    CARRIER,
    CONVERSATION,
    FAILED,
    SAMPLES,
    TALK,
    TALKED,
    event,
    sign,
)
from tests.unit.providers.sampling import NOW_US


def test_the_sdk_accepts_the_same_signature() -> None:
    from elevenlabs.client import ElevenLabs  # deferred: loads for a second, and one test needs it
    from elevenlabs.errors import BadRequestError  # deferred: the same

    sent = SAMPLES.story[0]
    header = sign(sent, "", SAMPLES.secrets, time.time_ns() // 1_000)["elevenlabs-signature"]
    webhooks = ElevenLabs(api_key="none").webhooks
    assert webhooks.construct_event(sent.body.decode(), header, SAMPLES.secrets["webhook_secret"])["type"]
    with pytest.raises(BadRequestError):
        webhooks.construct_event(sent.body.decode(), header, "another")


def test_conversations_are_read_completely() -> None:
    body = event("post_call_transcription", 1_787_385_660, CONVERSATION).body
    [fact] = normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))
    assert fact.links == (Node(CARRIER, is_carrier=True),)
    call = fold("acme", Node(TALK, is_carrier=False), [fact]).call
    assert {name: getattr(call, name) for name in TALKED} == TALKED
    assert fact.stated["session"]["stream_id"].startswith("MZ")
    assert fact.stated["session"]["evaluation"]["successful"] is True
    conversation = unpack_conversation(fact.conversation)
    assert [turn.text for turn in conversation.transcript or ()] == ["Good morning.", "At eight, please."]
    [tool] = conversation.function_calls or []
    assert (tool.name, tool.arguments, tool.duration_seconds) == ("book", {"at": "20:00"}, 0.4)


def test_failed_calls_link_the_carrier_call() -> None:
    failed = {
        **FAILED,
        "metadata": {"type": "twilio", "body": {"CallSid": CARRIER, "SipResponseCode": "486"}},
    }
    body = event("call_initiation_failure", 1_787_385_700, failed).body
    [fact] = normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))
    assert (fact.call_sid, fact.links) == (BUSY, (Node(CARRIER, is_carrier=True),))
    assert (fact.stated["status"], fact.stated["sip_code"]) == ("busy", 486)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Call ended by remote party", "remote-hung-up"),
        ("end_call tool was called.", "local-hung-up"),
        ("Max conversation duration exceeded", "limit-reached"),
        ("Call ended due to silence", "silence"),
        ("Call transferred to number", "transferred"),
        ("Custom LLM returned an error", "agent-error"),
    ],
)
def test_end_sentences_match_their_patterns(sentence: str, reason: str) -> None:
    why = match_end_reason(sentence, words.END_REASON_PATTERNS)
    assert why is not None
    assert why.reason == reason
