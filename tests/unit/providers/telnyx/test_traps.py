"""Peculiarities of Telnyx, one test each."""

import time
from itertools import permutations

import pytest

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.telnyx.normalise import facts_of
from calltally.providers.telnyx.resources import fact_of
from calltally.providers.telnyx.signature import verify
from tests.unit.providers.sampling import FORM, NOW_US, Sent, signed
from tests.unit.providers.telnyx import samples
from tests.unit.providers.telnyx.samples import KEY, TALK, event, hangup, public, sign, texml


def facts(sent: Sent) -> list[Fact]:
    return facts_of(signed("telnyx", sent))


def folded(*sent: Sent) -> dict[str, object]:
    call = fold("acme", Node(TALK, is_carrier=True), [fact for each in sent for fact in facts(each)]).call
    return {name: getattr(call, name) for name in call.__struct_fields__}


def test_user_busy_is_busy_and_not_completed() -> None:
    """Peers, point 16."""
    call = folded(event("call.initiated", TALK, 0), hangup(TALK, 3, "user_busy", "486"))
    assert (call["status"], call["duration_seconds"], call["hangup_cause"]) == ("busy", 0, 17)


def test_talk_time_without_a_duration_is_from_answer_to_hangup() -> None:
    story = [event("call.answered", TALK, 5.25), hangup(TALK, 42.75, "normal_clearing", "200")]
    assert "talk_seconds" not in facts(story[1])[0].stated
    assert folded(*story)["duration_seconds"] == folded(*story[::-1])["duration_seconds"] == 37


@pytest.mark.parametrize(
    ("cause", "status", "reason"),
    [
        ("normal_clearing", "completed", "unknown"),
        ("time_limit", "completed", "limit-reached"),
        ("user_busy", "busy", "busy"),
        ("no_answer", "no-answer", "no-answer"),
        ("timeout", "no-answer", "no-answer"),
        ("originator_cancel", "canceled", "local-hung-up"),
        ("call_rejected", "failed", "rejected"),
        ("not_found", "failed", "invalid-number"),
        ("unspecified", "failed", "unknown"),
        ("a_word_of_next_year", "failed", "unknown"),
    ],
)
def test_each_hangup_cause(cause: str, status: str, reason: str) -> None:
    sent = hangup(TALK, 3, cause, "unspecified")
    call = folded(sent)
    assert (call["status"], call["end_reason"], call["sip_code"]) == (status, reason, None)
    assert facts(sent)[0].stated["end_reason"] == cause


@pytest.mark.parametrize("cause", ["unspecified", "a_word_of_next_year"])
def test_answered_calls_are_completed_with_any_cause(cause: str) -> None:
    assert folded(event("call.answered", TALK, 5), hangup(TALK, 9, cause, "200"))["status"] == "completed"


def test_further_attempts_of_an_event_are_repeats() -> None:
    sent = hangup(TALK, 3, "user_busy", "486")
    again = sent._replace(body=sent.body.replace(b'"attempt": 1', b'"attempt": 2'))
    assert again.body != sent.body
    assert facts(again)[0].key == facts(sent)[0].key


def test_legs_are_separate_calls_with_a_linked_leg_id() -> None:
    (fact,) = facts(event("call.answered", TALK, 5))
    assert fact.call_sid == TALK
    assert fact.links == (Node("leg-of-talk-0a1b2c", is_carrier=False),)
    (recording,) = facts(
        event(
            "call.recording.saved",
            TALK,
            50,
            call_control_id=None,
            recording_urls={"mp3": "https://recordings.example/1.mp3"},
        )
    )
    assert recording.call_sid == "leg-of-talk-0a1b2c"
    assert recording.stated["recording_url"] == "https://recordings.example/1.mp3"


@pytest.mark.parametrize(
    ("result", "answered_by"),
    [
        ("human", "human"),
        ("human_residence", "human"),
        ("human_business", "human"),
        ("machine", "machine"),
        ("fax_detected", "fax"),
        ("silence", "unknown"),
        ("not_sure", "unknown"),
    ],
)
def test_each_result_of_machine_detection(result: str, answered_by: str) -> None:
    (fact,) = facts(event("call.machine.premium.detection.ended", TALK, 8, result=result))
    assert fact.stated["answered_by"] == answered_by
    assert "status" not in fact.stated


@pytest.mark.parametrize(
    ("direction", "source", "reason"),
    [
        ("incoming", "caller", "remote-hung-up"),
        ("incoming", "callee", "local-hung-up"),
        ("outgoing", "caller", "local-hung-up"),
        ("outgoing", "callee", "remote-hung-up"),
        ("outgoing", "unknown", "unknown"),
    ],
)
def test_who_hung_up(direction: str, source: str, reason: str) -> None:
    """The event of the end does not state the direction."""
    story = [
        event("call.initiated", TALK, 0, direction=direction),
        event("call.answered", TALK, 5),
        hangup(TALK, 42, "normal_clearing", "200", source),
    ]
    for order in permutations([*story, story[-1]]):
        assert folded(*order)["end_reason"] == reason
    (by_form,) = facts(texml("completed", HangupSource=source, Direction="inbound"))
    assert by_form.stated.get("hung_up_by") == {"caller": "caller", "callee": "called"}.get(source)


@pytest.mark.parametrize(
    "word", ["machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "unknown"]
)
def test_texml_detection_words_do_not_lose_the_end(word: str) -> None:
    (fact,) = facts(texml("completed", AnsweredBy=word, CallDuration="9"))
    assert (fact.stated["status"], fact.stated["talk_seconds"]) == ("completed", 9)
    assert fact.stated["answered_by"] == ("unknown" if word == "unknown" else "machine")
    assert "unread_fields" not in fact.stated


@pytest.mark.parametrize(
    ("sip", "unread"), [("486", None), ("unspecified", None), ("0", None), ("999", ["sip_hangup_cause"])]
)
def test_an_unreadable_sip_cause_does_not_lose_the_end(sip: str, unread: list[str] | None) -> None:
    (fact,) = facts(hangup(TALK, 3, "user_busy", sip))
    assert (fact.stated["status"], fact.stated.get("sip_code")) == ("busy", 486 if sip == "486" else None)
    assert fact.stated.get("unread_fields") == unread
    assert folded(hangup(TALK, 3, "user_busy", sip))["end_reason"] == "busy"


def test_a_bridged_leg_is_a_transfer_and_the_session_is_kept() -> None:
    story = [
        event("call.answered", TALK, 5),
        event("call.bridged", TALK, 20),
        hangup(TALK, 42, "normal_clearing", "200"),
    ]
    for order in permutations([*story, story[1]]):
        call = folded(*order)
        assert call["transfer"] == {"target": None, "outcome": "bridged"}
        assert call["metadata"] == {"call_session_id": "session-of-talk-0a1b2c"}


def test_message_events_give_no_facts() -> None:
    assert facts(Sent(b'{"data": {"event_type": "message.received", "payload": {}}}')) == []


def test_texml_times_have_two_formats() -> None:
    written = ["2026-08-22 08:00:02.731479Z", "2026-08-22T08:00:02.731479Z"]
    seconds = {facts(texml("ringing", Timestamp=text))[0].occurred_us for text in written}
    mail = facts(texml("ringing", Timestamp="Sat, 22 Aug 2026 08:00:02 +0000"))[0].occurred_us
    assert seconds == {mail + 731_479}


def test_texml_is_also_read_as_json() -> None:
    body = b'{"CallSid": "v3:one", "CallStatus": "completed", "CallDuration": "2", "SequenceNumber": 3}'
    (fact,) = facts(Sent(body))
    assert (fact.call_sid, fact.stated["status"], fact.stated["talk_seconds"], fact.sequence) == (
        *("v3:one", "completed"),
        *(2, 3),
    )


def test_the_stored_account_becomes_the_provider_account() -> None:
    callback = signed("telnyx", event("call.answered", TALK, 5))
    named = Callback(callback.method, callback.url, callback.headers, callback.body, NOW_US, "acme-main")
    assert facts_of(named)[0].stated["provider_account"] == "acme-main"
    assert "provider_account" not in facts_of(callback)[0].stated


@pytest.mark.parametrize("sent", samples.SAMPLES.story, ids=lambda sent: str(sent.body[:60]))
def test_the_sdk_accepts_the_same_signatures(sent: Sent) -> None:
    # The SDK reads the clock itself.
    now_us = time.time_ns() // 1_000
    headers = sign(sent, "", {"public_key": public(KEY)}, now_us)
    callback = Callback("POST", "https://calls.example", headers, sent.body, now_us)
    assert verify(callback, {"public_key": public(KEY)})
    if sent.content_type != FORM:
        from telnyx import Telnyx  # deferred: loads for three seconds, and one test needs it

        client = Telnyx(api_key="none", public_key=public(KEY))
        assert client.webhooks.unwrap(sent.body.decode(), headers=headers) is not None


@pytest.mark.parametrize("key", ["", "!", "YQ==", "\xff", public(KEY) + "=="])
def test_invalid_keys_accept_no_request(key: str) -> None:
    callback = signed("telnyx", event("call.answered", TALK, 5))
    assert verify(callback, {"public_key": key}) is False


def test_unsigned_times_do_not_extend_a_signature() -> None:
    callback = signed("telnyx", event("call.answered", TALK, 5))
    later_us = NOW_US + 3_600 * SECOND_US
    fresh = {**callback.headers, "telnyx-timestamp": str(later_us // SECOND_US)}
    assert not verify(
        Callback("POST", callback.url, fresh, callback.body, later_us), {"public_key": public(KEY)}
    )


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "failed"),
        ({"hangup_cause": "user_busy"}, "busy"),
        ({"hangup_cause": "a_word_of_next_year"}, "failed"),
        ({"call_duration": 12}, "completed"),
        ({"call_duration": 0}, "failed"),
    ],
)
def test_ended_records_are_never_queued(changes: dict[str, object], status: str) -> None:
    unanswered = samples.record(answered_at=None, call_sec=0, **changes)
    found = fact_of(unanswered, RecordSource(Channel.PROVIDER_LIST, NOW_US))
    call = fold("acme", Node(TALK, is_carrier=True), [found]).call
    assert (call.status, call.ended_at) == (status, "2026-08-22T08:00:42.000000Z")
