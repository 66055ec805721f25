"""Peculiarities of FreeSWITCH's call detail records, one test each."""

import json

import pytest

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.freeswitch.files import list_facts
from calltally.providers.freeswitch.normalise import facts_of
from calltally.providers.freeswitch.xml_text import parse_xml
from tests.unit.providers.freeswitch.samples import (
    A_LEG,
    A_RECORD,
    ANSWERED,
    B_RECORD,
    BUSY_RECORD,
    GIVEN_UP_RECORD,
    START,
    as_xml,
    record,
    variables,
)
from tests.unit.providers.sampling import NOW_US

SOURCE = RecordSource(Channel.IMPORT, NOW_US)


def parsed(body: bytes, source: RecordSource = SOURCE) -> list[Fact | UnreadableRecord]:
    return list(list_facts(body.splitlines(keepends=True), source))


def posted(body: bytes) -> list[Fact]:
    return facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))


def folded(fact: Fact) -> Call:
    return fold("acme", Node(fact.call_sid, is_carrier=True), [fact]).call


def test_an_answer_epoch_of_0_is_unanswered() -> None:
    (fact,) = posted(json.dumps(BUSY_RECORD).encode())
    assert "answered_us" not in fact.stated
    call = folded(fact)
    assert (call.status, call.answered_at, call.duration_seconds) == ("busy", None, 0)
    assert call.ring_seconds == 40


def test_ring_time_is_separate_from_talk_time() -> None:
    call = folded(posted(json.dumps(A_RECORD).encode())[0])
    assert (call.ring_seconds, call.duration_seconds) == (7, 33)


def test_the_second_leg_names_the_first_as_its_parent() -> None:
    assert folded(posted(json.dumps(B_RECORD).encode())[0]).parent_call_sid == A_LEG


@pytest.mark.parametrize("values", [A_RECORD, BUSY_RECORD, GIVEN_UP_RECORD])
def test_xml_and_json_give_the_same_fields(values: dict[str, object]) -> None:
    (json_fact,), (xml_fact,) = posted(json.dumps(values).encode()), posted(as_xml(values))
    assert folded(json_fact) == folded(xml_fact)


def test_xml_in_a_file_is_read_record_by_record() -> None:
    cut = as_xml(GIVEN_UP_RECORD)[:-20]
    items = parsed(as_xml(A_RECORD) + b"\n" + as_xml(BUSY_RECORD) + as_xml(B_RECORD) + b"\n" + cut)
    assert [isinstance(item, Fact) for item in items] == [True, True, True, False]
    assert items[-1] == UnreadableRecord("line 6", "the record has no end tag: it is truncated")


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE cdr [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><cdr><uuid>&b;</uuid></cdr>',
        b'<!DOCTYPE cdr SYSTEM "file:///etc/passwd"><cdr/>',
        b"<cdr>" + b"<a>" * 40 + b"</a>" * 40 + b"</cdr>",
        b"<cdr>" + b"<a/>" * 30_000 + b"</cdr>",
        b"<cdr>&unknown;</cdr>",
        b"<cdr>\xff</cdr>",
        b'<?xml version="1.0" encoding="no-such"?><cdr/>',
    ],
)
def test_unsafe_xml_is_refused(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        parse_xml(body)


def test_a_table_of_fusionpbx_is_read_by_its_header() -> None:
    header = "uuid,direction,destination_number,start_stamp,answer_stamp,end_stamp,billsec,hangup_cause\n"
    clocks = ",".join(f"2026-08-22 {clock}" for clock in ("09:40:00", "09:40:09", "09:40:42"))
    row = f"u-1,inbound,100,{clocks},33,NORMAL_CLEARING\n"
    items = parsed((header + row + row[:60] + "\n").encode(), SOURCE._replace(time_zone="Europe/Berlin"))
    assert isinstance(items[0], Fact)
    call = folded(items[0])
    assert (call.answered_at, call.duration_seconds) == ("2026-08-22T07:40:09.000000Z", 33)
    assert isinstance(items[1], UnreadableRecord)
    assert "the row is truncated" in items[1].reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"billsec": -3}, "billsec '-3': negative"),
        ({"answer_uepoch": (START + 9) * 1_000_000, "billsec": 300}, "longer than the call of"),
        ({"end_uepoch": (START - 60) * 1_000_000}, "is before"),
        ({"end_uepoch": "soon"}, "end_uepoch 'soon'"),
    ],
)
def test_implausible_records_are_refused_with_a_reason(changes: dict[str, object], words: str) -> None:
    items = parsed(json.dumps(record(**variables("u-2", **changes))).encode() + b"\n")
    assert isinstance(items[0], UnreadableRecord)
    assert words in items[0].reason


@pytest.mark.parametrize(
    ("name", "value"),
    [("sip_term_status", "n/a"), ("hangup_cause_q850", "none"), ("caller_id_number", "9" * 129)],
)
def test_an_unreadable_secondary_value_does_not_lose_the_end(name: str, value: str) -> None:
    (fact,) = posted(
        json.dumps(record(**variables("u-3", hangup_cause="USER_BUSY", **{name: value}))).encode()
    )
    assert (fact.stated["status"], fact.stated["unread_fields"]) == ("busy", [name])


FUSIONPBX = (
    "xml_cdr_uuid,direction,caller_id_number,caller_destination,destination_number,start_stamp,start_epoch,"
    "answer_stamp,answer_epoch,end_stamp,end_epoch,billsec,hangup_cause,sip_hangup_disposition,last_app,"
    "voicemail_message\n"
)


def fusionpbx(*values: object) -> str:
    return ",".join(map(str, values)) + "\n"


def test_the_export_of_fusionpbx_is_read_whole() -> None:
    """Each time is compared with the epochs of the file; its stamps are the local times of Berlin."""
    stamps = [f"2026-08-22 {clock}" for clock in ("10:20:00", "10:21:00", "10:23:00")]
    epochs: list[int | None] = [START, START + 60, START + 180]
    times: list[object] = [text for pair in zip(stamps, epochs, strict=True) for text in pair]
    inbound = ("p-1", "inbound", "+14155550123", "+14155550100", "101", *times, 120)
    outbound = ("p-2", "outbound", "101", "", "+14155550199", *times, 120)
    missed = ("p-3", "inbound", "+14155550123", "+14155550100", "101", *times[:2], "", 0, *times[4:], 0)
    rows = [
        fusionpbx(*inbound, "NORMAL_CLEARING", "recv_bye", "bridge", "false"),
        fusionpbx(*outbound, "NORMAL_CLEARING", "recv_bye", "bridge", "false"),
        fusionpbx(*missed, "NO_ANSWER", "send_cancel", "bridge", ""),
        fusionpbx("p-4", *inbound[1:], "NORMAL_CLEARING", "recv_bye", "voicemail", "true"),
    ]
    # With epochs, and with the stamps alone.
    stamps_only = FUSIONPBX.replace("start_epoch", "x").replace("answer_epoch", "y").replace("end_epoch", "z")
    for header in (FUSIONPBX, stamps_only):
        body = (header + "".join(rows)).encode()
        items = parsed(body, SOURCE._replace(time_zone="Europe/Berlin"))
        facts = [item for item in items if isinstance(item, Fact)]
        assert [fact.call_sid for fact in facts] == ["p-1", "p-2", "p-3", "p-4"]
        assert len(items) == len(facts)
        unanswered: list[int | None] = [START, None, START + 180]
        for fact, expected in zip(facts, [epochs, epochs, unanswered, epochs], strict=True):
            found = [fact.stated.get(name) for name in ("started_us", "answered_us", "ended_us")]
            assert found == [None if each is None else each * 1_000_000 for each in expected]
        calls = [folded(fact) for fact in facts]
        assert [call.duration_seconds for call in calls] == [120, 120, 0, 120]
        assert {call.to_number for call in (calls[0], *calls[2:])} == {"+14155550100"}
        assert calls[1].to_number == "+14155550199"
        assert [call.end_reason for call in calls[:3]] == ["remote-hung-up", "local-hung-up", "no-answer"]
        assert [call.answered_by for call in calls] == [None, None, None, "machine"]


@pytest.mark.parametrize(
    ("changes", "transfer"),
    [
        ({"endpoint_disposition": "ATTENDED_TRANSFER"}, {"target": None, "outcome": "bridged"}),
        (
            {"hangup_cause": "BLIND_TRANSFER", "sip_refer_to": "<sip:102@pbx.example>"},
            {"target": "<sip:102@pbx.example>", "outcome": "requested"},
        ),
        ({"bridge_uuid": "b-1"}, None),
    ],
)
def test_a_leg_that_left_by_a_transfer(changes: dict[str, str], transfer: dict[str, str] | None) -> None:
    (fact,) = posted(json.dumps(record(**variables("u-5", **{**ANSWERED, **changes}))).encode())
    assert folded(fact).transfer == transfer


@pytest.mark.parametrize(
    ("disposition", "changes", "reason"),
    [
        ("recv_bye", {"direction": "inbound"}, "remote-hung-up"),
        ("send_bye", {"direction": "inbound"}, "local-hung-up"),
        ("recv_bye", {"direction": "outbound"}, "remote-hung-up"),
        ("send_bye", {"direction": "outbound"}, "local-hung-up"),
        # A telephone of the tenant calls out: its leg is inbound for the switch, and the call is not.
        ("recv_bye", {"direction": "inbound", "call_direction": "outbound"}, "local-hung-up"),
        ("send_bye", {"direction": "inbound", "call_direction": "outbound"}, "remote-hung-up"),
        # FusionPBX's table has the call's direction, and names the leg.
        ("recv_bye", {"direction": "outbound", "leg": "a"}, "local-hung-up"),
        ("send_refuse", {"direction": "inbound"}, "unknown"),
    ],
)
def test_who_hung_up(disposition: str, changes: dict[str, str], reason: str) -> None:
    values = variables("u-4", **{**ANSWERED, "sip_hangup_disposition": disposition, **changes})
    (fact,) = posted(json.dumps(record(**values)).encode())
    assert folded(fact).end_reason == reason


def test_one_id_of_two_calls_is_a_conflict_and_both_are_stored() -> None:
    other = record(**variables(A_LEG, caller_id_number="+14155550199", start_uepoch=(START + 1) * 1_000_000))
    found = [*posted(json.dumps(A_RECORD).encode()), *posted(json.dumps(other).encode())]
    call = fold("acme", Node(A_LEG, is_carrier=True), found).call
    assert call.conflicts == 1


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (json.dumps(A_RECORD).encode() + b"\n{]", "line 4"),
        (b"<cdr>", "line 3"),
        (b"a,b\n1", "line 4"),
    ],
)
def test_leading_empty_lines_count_in_positions(text: bytes, position: str) -> None:
    *_, last = parsed(b"\n \n" + text)
    assert isinstance(last, UnreadableRecord)
    assert last.position == position
