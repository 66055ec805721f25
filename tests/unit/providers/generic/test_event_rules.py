"""Rules of a mapping for kinds of events, parties by direction, list items by key, and transcripts."""

import json
from itertools import permutations
from typing import Any

import pytest

from calltally.calls.conversation import unpack_conversation
from calltally.calls.errors import InvalidInput
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.sessions import fold_sessions
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.generic.bodies import list_facts
from calltally.providers.generic.mapping_compiler import compile_mapping
from tests.unit.providers.sampling import NOW_US

# The shape of a telephone system's webhooks: the kind around the call, and both parties by their role.
MAPPING = """
provider = "acme"
events = "data"
[fields]
call_sid = "id"
direction = "direction"
own_number = { path = "number.digits", read = "sip_number" }
other_number = { path = "raw_digits", read = "sip_number" }
started_at = { path = "started_at", read = "epoch_s" }
agent = "users[role=agent].name"

[words.direction]
inbound = "inbound"
outbound = "outbound"

[words.status]
none = "no-answer"
abandoned = "canceled"

[[when]]
path = "/event"
is = "call.created"
[when.fields]
status = { value = "ringing" }

[[when]]
path = "/event"
is = ["Call.Answered", "call.resumed"]
[when.fields]
status = { value = "in-progress" }
answered_at = { path = "answered_at", read = "epoch_s" }

[[when]]
path = "/event"
is = "call.missed"
[when.fields]
status = "missed_reason"
ended_at = { path = "ended_at", read = "epoch_s" }

[[when]]
path = "/event"
is = "call.ended"
[when.fields]
status = { value = "completed" }
ended_at = { path = "ended_at", read = "epoch_s" }

[[when]]
path = "/event"
is = "call.tagged"
ignore = true
"""
START_S = 1_787_385_600


def sent(kind: str, **changes: Any) -> bytes:  # noqa: ANN401 (JSON)
    call = {
        "id": 7,
        "direction": "inbound",
        "number": {"digits": "sip:+14155550100@pbx.example;user=phone"},
        "raw_digits": "tel:+14155550123",
        "started_at": START_S,
        "users": [{"role": "supervisor", "name": "Grace"}, {"role": "agent", "name": "Ada"}],
    }
    return json.dumps({"event": kind, "timestamp": START_S, "data": {**call, **changes}}).encode()


def facts(mapping: str, *bodies: bytes) -> list[Fact]:
    found = [
        item
        for body in bodies
        for item in list_facts([body], RecordSource(Channel.CALLBACK, NOW_US, mapping=mapping))
    ]
    assert not any(isinstance(item, UnreadableRecord) for item in found), found
    return [item for item in found if isinstance(item, Fact)]


def test_each_kind_of_event_has_fields_of_its_own() -> None:
    answered = sent("call.answered", answered_at=START_S + 10, ended_at=None)
    bodies = [sent("call.created"), answered, sent("call.ended", ended_at=START_S + 52), sent("call.tagged")]
    for order in permutations([*bodies, answered]):
        record = fold("acme", Node("7", is_carrier=False), facts(MAPPING, *order)).call
        assert (record.status, record.duration_seconds) == ("completed", 42)
        assert (record.created_at[:19], record.agent) == ("2026-08-22T08:00:00", "Ada")


def test_an_event_without_a_rule_has_the_fields_of_all_events() -> None:
    [fact] = facts(MAPPING, sent("call.transferred"))
    assert "status" not in fact.stated
    assert fact.stated["agent"] == "Ada"


def test_words_of_a_rule_translate_its_fields() -> None:
    [fact] = facts(MAPPING, sent("call.missed", missed_reason="abandoned", ended_at=START_S + 20))
    assert fact.stated["status"] == "canceled"


@pytest.mark.parametrize(
    ("direction", "numbers"),
    [("inbound", ("+14155550123", "+14155550100")), ("outbound", ("+14155550100", "+14155550123"))],
)
def test_the_direction_decides_the_parties(direction: str, numbers: tuple[str, str]) -> None:
    [fact] = facts(MAPPING, sent("call.created", direction=direction))
    assert (fact.stated["from_number"], fact.stated["to_number"]) == numbers


def test_without_a_direction_there_are_no_parties() -> None:
    [fact] = facts(MAPPING, sent("call.created", direction=None))
    assert not {"from_number", "to_number"} & fact.stated.keys()


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:+14155550123@pbx.example", "+14155550123"),
        ("SIP:14155550123@192.0.2.1:5060;transport=udp", "+14155550123"),
        ('"Ada" <sip:+14155550123;ext=5@pbx.example>;tag=1', "+14155550123"),
        ("tel:+14155550123;phone-context=example.com", "+14155550123"),
        ("sip:ada@pbx.example", "sip:ada@pbx.example"),
        ("sip:100@pbx.example", "sip:100@pbx.example"),
        ("+1 415 555 0123", "+14155550123"),
    ],
)
def test_numbers_in_sip_addresses_are_e164(uri: str, number: str) -> None:
    [fact] = facts(MAPPING, sent("call.created", raw_digits=uri))
    assert fact.stated["from_number"] == number


def test_the_length_of_the_whole_call_gives_the_missing_time() -> None:
    mapping = (
        'provider = "acme"\n[fields]\ncall_sid = "id"\nstatus = { value = "completed" }\n'
        'started_at = "start"\nended_at = "end"\ntotal_seconds = "duration"\nduration_seconds = "billsec"\n'
    )
    start, end = "2026-08-22T08:00:00Z", "2026-08-22T08:00:52Z"
    for times in ({"start": start}, {"end": end}, {"start": start, "end": end}):
        row = {"id": "c-1", "duration": "52", "billsec": "42", **times}
        record = fold("acme", Node("c-1", is_carrier=False), facts(mapping, json.dumps(row).encode())).call
        assert (record.created_at[:20], record.ended_at) == (
            "2026-08-22T08:00:00.",
            "2026-08-22T08:00:52.000000Z",
        )
        assert (record.answered_at, record.duration_seconds) == ("2026-08-22T08:00:10.000000Z", 42)


TRANSCRIPT = """
provider = "acme"
[fields]
call_sid = "id"
stream_id = "stream"
session_successful = "resolved"
status = { value = "completed" }
[transcript]
turns = "conversation.messages"
role = "author.kind"
text = "content"
start = "offset"
unit = "ms"
[transcript.roles]
bot = "agent"
human = "user"
"""


def test_transcripts_become_sessions() -> None:
    messages = [
        {"author": {"kind": "Bot"}, "content": "Good morning.", "offset": 1500},
        {"author": {"kind": "system"}, "content": "recording"},
        {"author": {"kind": "human"}, "content": "At eight, please."},
        "odd",
    ]
    body = {"id": "c-1", "stream": "s-1", "resolved": "yes", "conversation": {"messages": messages}}
    found = facts(TRANSCRIPT, json.dumps(body).encode())
    turns = unpack_conversation(found[0].conversation).transcript or []
    assert [(turn.role, turn.text, turn.start_seconds) for turn in turns] == [
        ("agent", "Good morning.", 1.5),
        ("user", "At eight, please.", None),
    ]
    [session] = fold_sessions(fold("acme", Node("c-1", is_carrier=False), found), found)
    assert (session.session.id, session.session.stream_id) == ("c-1", "s-1")
    assert session.session.transcript_turn_count == 2
    assert (session.session.evaluation or {})["successful"] is True


def test_events_without_turns_have_no_session() -> None:
    [fact] = facts(TRANSCRIPT, b'{"id": "c-1", "conversation": {"messages": null}}')
    assert fact.conversation == b""
    assert "session_id" not in fact.stated


@pytest.mark.parametrize(
    ("line", "value"), [('escalated = "v"', "perhaps"), ('agent = "v"', "x" * 300), ('sip_code = "v"', "7")]
)
def test_unreadable_secondary_values_keep_the_final_state(line: str, value: str) -> None:
    mapping = f'provider = "acme"\n[fields]\ncall_sid = "id"\nstatus = {{ value = "busy" }}\n{line}\n'
    [fact] = facts(mapping, json.dumps({"id": "c-1", "v": value}).encode())
    assert fact.stated["status"] == "busy"
    assert fact.stated["unread_fields"] == [line.partition(" ")[0]]


HEAD = 'provider = "acme"\n[fields]\ncall_sid = "id"\n'
RULE = HEAD + '[[when]]\npath = "kind"\n'


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        (HEAD + '[[when]]\nis = "a"\nignore = true', "line 4: when.path: must be a path in quotes"),
        (RULE + "ignore = true", "when.is: must be a word in quotes, or a list of words"),
        (RULE + 'is = ["a", 7]\nignore = true', "when.is: must be a word"),
        (RULE + 'is = "a"', "line 4: when: a rule needs either `ignore = true` or a table [when.fields]"),
        (RULE + 'is = "a"\nif = 1\nignore = true', "when.if: unknown key"),
        (RULE + 'is = "a"\n[when.fields]\nsid = "x"', "when.fields.sid: unknown key"),
        (RULE + 'is = "a"\n[when.fields]\nstatus = {value = "up"}', "when.fields.status.value: is 'up'"),
        ("when = 7\n" + HEAD, "when: must be at most 50 tables"),
        (HEAD + '[transcript]\nrole = "r"', "transcript.turns: must be a path in quotes"),
        (HEAD + '[transcript]\nturns = "t"\nunit = "min"', "transcript.unit: must be one of s, ms"),
        (HEAD + '[transcript]\nturns = "t"\nroles = { a = 1 }', "transcript.roles: must have at most 50"),
    ],
)
def test_faults_of_rules_name_their_line(mapping: str, fault: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        compile_mapping(mapping)
    assert fault in raised.value.detail
