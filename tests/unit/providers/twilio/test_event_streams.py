"""Event Streams: call summaries and status callbacks as CloudEvents, alone and with other sources."""

import json
import random
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from twilio.request_validator import RequestValidator

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold, fold_ending
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.ingest.callbacks import ParsedFacts, UnparsedBody, is_genuine, read_facts
from calltally.ingest.reread import Rereader
from calltally.providers.callback import RecordSource
from calltally.providers.registry import PROVIDERS, TWILIO
from calltally.providers.twilio.resources import list_facts
from tests.unit.providers.sampling import NOW_US, Sent, samples_of, signed
from tests.unit.providers.twilio.samples import json_body, resource, status
from tests.unit.providers.twilio.signing import callback_of, repeated, sdk_signature
from tests.unit.providers.twilio.streams import (
    STAGES,
    envelope,
    event,
    party,
    progress,
    properties,
    state,
    summary,
)

SID = "CA" + "7" * 32
MISSED: dict[str, Any] = {
    **state("noanswer", duration=35, connect_duration=0, answered_by="unknown", tags=[]),
    "properties": properties(last_sip_response_num=480, disconnected_by="unknown_disconnected_by"),
}


def parsed(*events: object) -> ParsedFacts:
    return read_facts(TWILIO, signed("twilio", json_body(list(events))))


def facts(*events: object) -> list[Fact]:
    found = parsed(*events)
    assert not isinstance(found, UnparsedBody), found.reason
    return found


def stages(**changes: object) -> list[Fact]:
    """Return the three summaries of a call; each knows more."""
    return facts(
        event("EZ1", "partial", summary(SID, **state(connect_duration=0, tags=[], answered_by="unknown"))),
        event("EZ2", "predicted-complete", summary(SID, tags=["silence"])),
        event("EZ3", "complete", summary(SID, **changes)),
    )


def form_facts(*requests: Sent) -> list[Fact]:
    found: list[Fact] = []
    for sent in requests:
        items = read_facts(TWILIO, signed("twilio", sent))
        assert not isinstance(items, UnparsedBody), items.reason
        found += items
    return found


def callbacks() -> list[Fact]:
    return form_facts(
        status(SID, "initiated", 5, 0),
        status(SID, "ringing", 6, 1),
        status(SID, "in-progress", 10, 2),
        status(SID, "completed", 40, 3, CallDuration="30"),
    )


def listed(**changes: object) -> list[Fact]:
    fields = {"duration": "30", "start_time": "Sat, 22 Aug 2026 08:00:05 +0000", **changes}
    record = resource(sid=SID, end_time="Sat, 22 Aug 2026 08:00:40 +0000", **fields)
    source = RecordSource(Channel.PROVIDER_LIST, NOW_US)
    found = list_facts([json.dumps(record).encode()], source)
    return [each for each in found if isinstance(each, Fact)]


def folded(story: Sequence[Fact]) -> Call:
    """Fold a story in order, backwards, shuffled and repeated: each must give the same record."""
    expected = fold("acme", Node(SID, is_carrier=True), story).call
    for seed in range(8):
        mixed = random.Random(seed).sample([*story, *story], 2 * len(story))
        assert fold("acme", Node(SID, is_carrier=True), mixed).call == expected
    assert fold("acme", Node(SID, is_carrier=True), story[::-1]).call == expected
    return expected


def test_a_complete_summary_alone_gives_the_record() -> None:
    call = folded(facts(event("EZ1", "complete", summary(SID))))
    assert (call.call_sid, call.status, call.direction) == (SID, "completed", "outbound")
    assert (call.from_number, call.to_number) == ("+14155550100", "+14155550123")
    assert (call.created_at, call.answered_at, call.ended_at) == (
        "2026-08-22T08:00:05.000000Z",
        "2026-08-22T08:00:10.000000Z",
        "2026-08-22T08:00:40.000000Z",
    )
    assert (call.duration_seconds, call.sip_code, call.answered_by) == (30, 200, "human")
    assert (call.end_reason, call.tags, call.conflicts) == ("remote-hung-up", ["high_jitter", "silence"], 0)
    assert (call.provider, call.provider_account, call.parent_call_sid) == ("twilio", "AC" + "5" * 32, None)


def test_three_stages_are_one_source_in_any_order() -> None:
    alone = folded(stages()[2:])
    assert folded(stages()) == alone
    assert folded(stages()[:2]).tags == ["silence"]


def test_a_complete_summary_supersedes_a_partial_one_that_contradicts_it() -> None:
    partial = facts(event("EZ0", "partial", summary(SID, **MISSED)))
    assert (folded(partial).status, folded(partial).duration_seconds) == ("no-answer", 0)
    call = folded([*partial, *facts(event("EZ1", "complete", summary(SID)))])
    assert (call.status, call.duration_seconds, call.sip_code, call.conflicts) == ("completed", 30, 200, 0)
    assert fold_ending([*facts(event("EZ1", "complete", summary(SID))), *partial]).reason == "remote-hung-up"


def test_two_complete_summaries_that_differ_are_a_conflict() -> None:
    both = facts(
        event("EZ1", "complete", summary(SID)),
        event("EZ2", "complete", summary(SID, **MISSED)),
    )
    assert (folded(both).status, folded(both).conflicts) == ("completed", 1)


@pytest.mark.parametrize("stage", STAGES)
def test_a_summary_adds_to_callbacks_and_never_replaces_them(stage: str) -> None:
    summed = facts(event("EZ1", stage, summary(SID, connect_duration=31, answered_by="machine_start")))
    answered = form_facts(status(SID, "in-progress", 10, 2, AnsweredBy="human"))
    call = folded([*callbacks(), *answered, *summed])
    assert (call.status, call.duration_seconds, call.answered_by) == ("completed", 30, "human")
    assert (call.ring_seconds, call.end_reason, call.conflicts) == (4, "remote-hung-up", 0)


def test_summaries_callbacks_and_list_records_of_one_call_agree() -> None:
    call = folded([*callbacks(), *stages(), *listed()])
    assert (call.status, call.duration_seconds, call.conflicts) == ("completed", 30, 0)
    assert call.cost == {"amount": "0.013", "currency": "USD"}
    assert (call.created_at, call.ended_at) == ("2026-08-22T08:00:05.000000Z", "2026-08-22T08:00:40.000000Z")
    assert call.end_reason == "remote-hung-up"


def test_a_summary_that_contradicts_the_list_is_counted() -> None:
    call = folded([*facts(event("EZ1", "complete", summary(SID, **MISSED))), *listed()])
    assert (call.status, call.duration_seconds, call.conflicts) == ("completed", 30, 1)
    other = facts(event("EZ2", "complete", summary(SID, to=party("callee", "+14155550999"))))
    assert (folded([*other, *callbacks()]).conflicts, folded([*other, *callbacks()]).to_number) == (
        1,
        "+14155550123",
    )


def test_status_callbacks_in_the_stream_are_read_like_callbacks() -> None:
    streamed = facts(progress("EZ1", SID, "initiated", 0), progress("EZ2", SID, "completed", 3))
    classic = [callbacks()[0], callbacks()[3]]
    assert [fact.stated for fact in streamed] == [{**fact.stated} for fact in classic]
    assert [(fact.sequence, fact.occurred_us) for fact in streamed] == [
        (fact.sequence, fact.occurred_us) for fact in classic
    ]
    assert folded([*streamed, *classic]).conflicts == 0
    assert folded([*streamed, *callbacks(), *stages()]) == folded([*callbacks(), *stages()])


def test_a_callback_event_without_parameters_names_the_call_and_its_time() -> None:
    bare = progress("EZ1", SID, "ringing", 1)
    bare["data"]["request"]["parameters"] = {}
    (fact,) = facts(bare)
    assert (fact.call_sid, fact.stated) == (SID, {"provider": "twilio"})
    assert fact.occurred_us < NOW_US


def test_the_same_event_has_the_same_key_in_any_batch_and_as_text() -> None:
    first = event("EZ1", "complete", summary(SID))
    (alone,) = facts(first)
    (as_text,) = facts({**first, "data": json.dumps(first["data"])})
    in_batch = facts(event("EZ0", "partial", summary(SID)), first)[1]
    assert {alone.key, as_text.key, in_batch.key} == {alone.key}
    (other,) = facts({**first, "id": "EZ9"})
    assert (alone.event_id, other.event_id, other.key != alone.key) == ("EZ1", "EZ9", True)


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/cloudevents-batch+json; charset=utf-8"]
)
def test_twilios_validator_and_ours_accept_the_same_signature(content_type: str) -> None:
    sent = json_body([event("EZ1", "complete", summary(SID))])
    url = f"https://calls.example/api/v1/ingest/twilio/acme?{sent.query}"
    signature = sdk_signature(url, repeated([]), token="the-token")
    validator = RequestValidator("the-token")
    assert validator.validate(url, sent.body.decode(), signature)
    genuine = callback_of(sent.body, signature, url=url, content_type=content_type)
    assert is_genuine(TWILIO, genuine, samples_of("twilio").secrets)
    assert dict(parse_qsl(sent.query)) == {"bodySHA256": sha256(sent.body).hexdigest()}
    changed = msgspec.structs.replace(genuine, body=sent.body.replace(b"completed", b"canceled"))
    assert not validator.validate(url, changed.body.decode(), signature)
    assert not is_genuine(TWILIO, changed, samples_of("twilio").secrets)


def test_one_unreadable_event_costs_no_other_final_state() -> None:
    good = [event("EZ1", "complete", summary(SID)), event("EZ3", "complete", summary("CA" + "8" * 32))]
    bad = event("EZ2", "complete", summary("CA" + "9" * 32, call_state="dreaming"))
    found = parsed(good[0], bad, good[1])
    assert isinstance(found, UnparsedBody)
    assert found.reason.startswith("event 2: call_state 'dreaming': not one of ringing")
    assert (found.kind, list(found.facts)) == ("", facts(*good))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (7, "event 2: not a JSON object"),
        ({"specversion": "1.0"}, "event 2: type is missing"),
        (event("EZ9", "complete", "{"), "event 2: data is missing or no JSON object"),
        (event("EZ9", "partial", summary("")), "event 2: call_sid is missing"),
        (event("EZ9", "partial", summary(SID, end_time="soon")), "event 2: end_time 'soon'"),
    ],
)
def test_unreadable_events_are_named_by_their_position(bad: object, reason: str) -> None:
    found = parsed(event("EZ1", "complete", summary(SID)), bad)
    assert isinstance(found, UnparsedBody)
    assert (found.reason[: len(reason)], found.kind, len(found.facts)) == (reason, "", 1)


GATEWAY = envelope(
    "EZ8",
    "com.twilio.voice.insights.call-event.gateway",
    {"call_sid": SID, "name": "completed", "group": "call", "call_state": "completed"},
)


def test_documented_kinds_are_stored_and_counted_with_the_facts() -> None:
    alone, mixed = parsed(GATEWAY), parsed(GATEWAY, event("EZ1", "complete", summary(SID)))
    assert isinstance(alone, UnparsedBody)
    assert isinstance(mixed, UnparsedBody)
    assert alone.kind == mixed.kind == "com.twilio.voice.insights.call-event.*"
    assert (alone.facts, len(mixed.facts)) == ((), 1)


def test_an_unknown_kind_is_a_dead_letter_only_with_a_call_state() -> None:
    calm = parsed(envelope("EZ1", "com.twilio.voice.weather", {"rain": True}))
    stated = parsed(envelope("EZ1", "com.twilio.voice.call.v9", {"call_sid": SID, "call_state": "completed"}))
    nested = {"request": {"parameters": {"CallSid": SID, "CallStatus": "busy"}}}
    within = parsed(envelope("EZ1", "com.twilio.voice.requests", nested))
    assert [isinstance(each, UnparsedBody) and each.kind for each in (calm, stated, within)] == [
        "other",
        "",
        "",
    ]


def test_unknown_secondary_words_are_left_out_and_named() -> None:
    odd = summary(
        SID, properties=properties(disconnected_by="moon", q850_cause=999, direction="sideways"), tags="x"
    )
    (fact,) = facts(event("EZ1", "complete", odd))
    assert fact.stated["status"] == "completed"
    assert fact.stated["unread_fields"] == [
        "properties.direction",
        "properties.q850_cause",
        "properties.disconnected_by",
        "tags",
    ]


def test_zeros_of_a_partial_summary_state_nothing() -> None:
    empty = {
        "connect_duration": 0,
        "properties": properties(last_sip_response_num=0, disconnected_by="unknown_disconnected_by"),
        "answered_by": "unknown",
        "start_time": "1970-01-01T00:00:00Z",
        "created_time": "",
        "tags": None,
    }
    (fact,) = facts(event("EZ1", "partial", summary(SID, **empty)))
    assert {*fact.stated} == {
        *("status", "direction", "from_number", "to_number", "provider_account", "ended_us"),
        *("provider", "report_stage"),
    }
    (complete,) = facts(event("EZ2", "complete", summary(SID, **empty)))
    assert complete.stated["talk_seconds"] == 0


@pytest.mark.parametrize(("word", "open_state"), [("ringing", "ringing"), ("answered", "in-progress")])
def test_an_open_summary_neither_ends_nor_reopens_a_call(word: str, open_state: str) -> None:
    pending = facts(event("EZ1", "partial", summary(SID, **state(word, end="", connect_duration=0))))
    assert (folded(pending).status, folded(pending).ended_at) == (open_state, None)
    call = folded([*pending, *callbacks()])
    assert (call.status, call.answered_at) == ("completed", "2026-08-22T08:00:10.000000Z")


@pytest.mark.parametrize(("end", "direction", "reason"), [
    ("caller", "inbound", "remote-hung-up"),
    ("callee", "inbound", "local-hung-up"),
    ("caller", "outbound_dial", "local-hung-up"),
    ("callee", "trunking_terminating", "remote-hung-up"),
    ("unknown", "inbound", "unknown"),
])  # fmt: skip
def test_disconnected_by_names_who_hung_up(end: str, direction: str, reason: str) -> None:
    ended = summary(SID, properties=properties(disconnected_by=end, direction=direction))
    assert folded(facts(event("EZ1", "complete", ended))).end_reason == reason


def test_the_sip_call_id_of_the_sip_edge_links_the_call() -> None:
    edge = {"properties": {"sip_call_id": "a84b4c76e66710@pbx.example"}}
    (fact,) = facts(event("EZ1", "complete", summary(SID, call_type="sip", sip_edge=edge)))
    assert fact.links == (Node("a84b4c76e66710@pbx.example", is_carrier=False),)


def test_stored_bodies_are_read_again() -> None:
    events = [GATEWAY, progress("EZ4", SID, "completed", 3)]
    found = parsed(*events, event("EZ5", "complete", json.dumps(summary(SID))))
    assert isinstance(found, UnparsedBody)
    for fact in (*stages(), *found.facts):
        former = msgspec.structs.replace(fact, stated={"status": "completed", "mapped_route": "support"})
        again = Rereader(PROVIDERS)(former)
        assert again == msgspec.structs.replace(fact, stated={**fact.stated, "mapped_route": "support"})
