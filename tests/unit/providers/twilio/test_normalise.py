import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.providers.callback import Callback
from calltally.providers.twilio.normalise import facts_of
from tests.unit.providers.twilio.signing import FORM, RECEIVED_US, callback_of

BUSY = {
    "CallSid": "CA0123456789abcdef0123456789abcdef",
    "AccountSid": "AC0123456789abcdef0123456789abcdef",
    "ApiVersion": "2010-04-01",
    "From": "+1 (555) 123-0001",
    "To": "+15551230002",
    "CallStatus": "busy",
    "Direction": "outbound-api",
    "Timestamp": "Sat, 22 Aug 2026 07:59:58 +0000",
    "SequenceNumber": "2",
    "Duration": "0",
    "CallDuration": "0",
    "SipResponseCode": "486",
    "FromCity": "",
    "ErrorCode": "",
}
ACTION = {
    "CallSid": "CAparent",
    "AccountSid": "ACone",
    "CallStatus": "in-progress",
    "Direction": "inbound",
    "From": "+15551230001",
    "To": "+15551230002",
    "DialCallSid": "CAchild",
    "DialCallStatus": "completed",
    "DialCallDuration": "31",
    "DialBridged": "true",
}


def facts(**params: str) -> list[Fact]:
    return facts_of(callback_of(urlencode(params).encode()))


def fact(**changes: str) -> Fact:
    (only,) = facts(**{**BUSY, **changes})
    return only


def json_facts(document: object) -> list[Fact]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return facts_of(callback_of(body, content_type="application/json; charset=utf-8"))


def test_status_callbacks_are_read_completely() -> None:
    found = fact()
    assert found.call_sid == BUSY["CallSid"]
    assert (found.channel, found.provider, found.account) == (Channel.CALLBACK, "twilio", BUSY["AccountSid"])
    assert (found.event_id, found.sequence, found.is_carrier) == ("", 2, True)
    assert found.occurred_us == parse_instant("2026-08-22T07:59:58Z")
    assert found.received_us == RECEIVED_US
    assert found.raw == urlencode(BUSY).encode()
    assert found.stated == {
        "status": "busy",
        "direction": "outbound",
        "from_number": "+15551230001",
        "to_number": "+15551230002",
        "sip_code": 486,
        "talk_seconds": 0,
        "provider": "twilio",
        "provider_account": BUSY["AccountSid"],
    }


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("queued", "queued"),
        ("initiated", "initiated"),
        ("ringing", "ringing"),
        ("answered", "in-progress"),
        ("in-progress", "in-progress"),
        ("completed", "completed"),
        ("busy", "busy"),
        ("failed", "failed"),
        ("no-answer", "no-answer"),
        ("canceled", "canceled"),
    ],
)
def test_each_status_word(word: str, meaning: str) -> None:
    assert fact(CallStatus=word).stated["status"] == meaning


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("inbound", "inbound"),
        ("outbound-api", "outbound"),
        ("outbound-dial", "outbound"),
        ("trunking-terminating", "outbound"),
        ("trunking-originating", "inbound"),
    ],
)
def test_each_direction_word(word: str, meaning: str) -> None:
    assert fact(Direction=word).stated["direction"] == meaning


def test_duration_in_minutes_is_not_read() -> None:
    statement = fact(CallStatus="completed", Duration="1", CallDuration="49").stated
    assert statement["talk_seconds"] == 49
    assert "talk_seconds" not in fact(CallStatus="completed", Duration="1", CallDuration="").stated


def test_open_calls_have_no_talk_time() -> None:
    assert "talk_seconds" not in fact(CallStatus="in-progress", CallDuration="12").stated


def test_failed_with_sip_480_stays_failed() -> None:
    statement = fact(CallStatus="failed", SipResponseCode="480").stated
    assert (statement["status"], statement["sip_code"]) == ("failed", 480)


def test_optional_parameters_are_read() -> None:
    statement = fact(
        AnsweredBy="machine_end_beep",
        ErrorCode="31002",
        ParentCallSid="CAparent",
        RecordingUrl="https://api.example/RE1",
    ).stated
    assert statement["answered_by"] == "machine_end_beep"
    assert statement["error_code"] == "31002"
    assert statement["parent_call_sid"] == "CAparent"
    assert statement["recording_url"] == "https://api.example/RE1"


@pytest.mark.parametrize("party", ["client:alice", "sip:bob@pbx.example", "anonymous", "12345"])
def test_parties_other_than_e164_are_stored_unchanged(party: str) -> None:
    assert fact(From=party).stated["from_number"] == party


def test_callbacks_without_a_status_give_the_other_fields() -> None:
    (found,) = facts(CallSid="CA1", From="+15551230001", CallDuration="5")
    assert found.stated == {"from_number": "+15551230001", "provider": "twilio"}


def test_the_time_of_receipt_replaces_a_missing_timestamp() -> None:
    assert fact(Timestamp="").occurred_us == RECEIVED_US


def test_the_key_is_independent_of_the_parameter_order() -> None:
    (again,) = facts(**dict(reversed(BUSY.items())))
    assert again.key == fact().key
    assert fact(FromCity="Oakland").key != fact().key


def test_get_callbacks_are_read_from_the_query() -> None:
    query = urlencode(BUSY)
    by_get = Callback("GET", f"https://calls.example/?{query}", {}, b"", RECEIVED_US)
    (found,) = facts_of(by_get)
    assert (found.stated, found.raw, found.key) == (fact().stated, query.encode(), fact().key)


def test_repeated_parameters_change_the_digest() -> None:
    params = [*BUSY.items(), ("SipHeader_X-Tag", "a"), ("SipHeader_X-Tag", "b")]
    once, twice = (facts_of(callback_of(urlencode(pairs).encode()))[0] for pairs in (params[:-1], params))
    assert once.stated == twice.stated
    assert once.key != twice.key


def test_dial_actions_also_give_a_fact_of_the_leg() -> None:
    parent, leg = facts(**ACTION)
    assert (parent.call_sid, parent.stated["status"]) == ("CAparent", "in-progress")
    assert leg.call_sid == "CAchild"
    assert leg.is_carrier
    assert leg.stated == {
        "status": "completed",
        "direction": "outbound",
        "talk_seconds": 31,
        "parent_call_sid": "CAparent",
        "provider": "twilio",
        "provider_account": "ACone",
    }


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("answered", "completed"),
        ("busy", "busy"),
        ("no-answer", "no-answer"),
        ("failed", "failed"),
        ("canceled", "canceled"),
    ],
)
def test_the_leg_of_a_dial_action_has_ended(word: str, status: str) -> None:
    _, leg = facts(**{**ACTION, "DialCallStatus": word, "DialCallDuration": "", "SequenceNumber": "4"})
    assert leg.stated["status"] == status
    assert "talk_seconds" not in leg.stated
    assert leg.sequence is None


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "bridged"),
        ({"DialCallStatus": "answered", "DialBridged": ""}, "bridged"),
        ({"DialCallStatus": "completed", "DialBridged": "false"}, "failed"),
        ({"DialCallStatus": "busy", "DialBridged": ""}, "failed"),
        ({"DialCallStatus": "no-answer", "DialBridged": "false"}, "failed"),
        ({"DialCallSid": "", "DialCallStatus": "failed", "DialBridged": ""}, "failed"),
    ],
)
def test_the_end_of_a_dial_is_the_transfer_of_its_parent(changes: dict[str, str], outcome: str) -> None:
    dialled = facts(**{**ACTION, **changes})[0]
    ended = facts(CallSid="CAparent", CallStatus="completed", CallDuration="60")[0]
    for order in ([dialled, ended], [ended, dialled], [dialled, ended, dialled]):
        call = fold("acme", Node("CAparent", is_carrier=True), order).call
        assert (call.status, call.transfer) == ("completed", {"target": None, "outcome": outcome})


@pytest.mark.parametrize(
    ("word", "outcome"), [("completed", "bridged"), ("in-progress", "requested"), ("failed", "failed")]
)
def test_a_refer_is_a_transfer(word: str, outcome: str) -> None:
    (found,) = facts(CallSid="CA1", CallStatus="in-progress", ReferCallStatus=word)
    assert found.stated["transfer"] == {"target": None, "outcome": outcome}


def test_dial_actions_without_a_leg_give_only_the_parent() -> None:
    found = facts(**{**ACTION, "DialCallSid": "", "DialCallStatus": "failed"})
    assert [one.call_sid for one in found] == ["CAparent"]
    assert len(facts(**{**ACTION, "DialCallSid": "CAparent"})) == 1


def test_events_out_of_order_fold_to_the_call() -> None:
    story = [
        ("completed", "3", "60"),
        ("ringing", "1", "5"),
        ("in-progress", "2", "11"),
        ("initiated", "0", "0"),
    ]
    start_us = parse_instant("2026-08-22T07:00:00Z")
    found = [
        fact(
            CallStatus=status,
            SequenceNumber=number,
            Timestamp=f"Sat, 22 Aug 2026 07:{int(seconds) // 60:02}:{int(seconds) % 60:02} +0000",
            CallDuration="49" if status == "completed" else "",
            SipResponseCode="",
        )
        for status, number, seconds in story
    ]
    folded = fold("acme", Node(BUSY["CallSid"], is_carrier=True), found)
    assert folded.created_us == start_us
    assert (folded.call.status, folded.call.duration_seconds, folded.call.ring_seconds) == (
        "completed",
        49,
        6,
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CallSid": ""}, "CallSid is missing"),
        ({"CallSid": "C" * 201}, "CallSid 'CCC"),
        ({"CallStatus": "exploded"}, "CallStatus 'exploded': not one of queued, initiated"),
        ({"CallStatus": "Completed"}, "CallStatus 'Completed'"),
        ({"Timestamp": "yesterday"}, "Timestamp 'yesterday': not an RFC 2822 time"),
        ({"Timestamp": "Thu, 01 Jan 1970 00:00:00 +0000"}, "Timestamp .* before the year 2000"),
        ({"Timestamp": "Sun, 23 Aug 2026 08:00:01 +0000"}, "Timestamp .* more than 24 h ahead"),
        ({"Timestamp": "Sat, 22 Aug 9999999999 07:59:58 +0000"}, "Timestamp "),
        ({"CallSid": "CA\0"}, "CallSid 'CA.x00': contains a NUL"),
        (
            {"DialCallSid": "CA2", "DialCallStatus": "ringing"},
            "DialCallStatus 'ringing': not one of answered",
        ),
    ],
)
def test_unreadable_values_are_named_with_their_field(changes: dict[str, str], words: str) -> None:
    with pytest.raises(NotUnderstood, match=words):
        facts(**{**BUSY, **changes})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Direction", "sideways"),
        ("SequenceNumber", "-1"),
        ("SequenceNumber", "9" * 5_000),
        ("CallDuration", "1.5"),
        ("CallDuration", "999999999"),
        ("SipResponseCode", "99"),
        ("From", "\0"),
        ("From", "9" * 129),
        ("RecordingUrl", "https://a/" + "h" * 1_991),
        ("RecordingUrl", "javascript:alert(1)"),
        ("RecordingUrl", "/2010-04-01/Accounts/AC1/Recordings/RE1"),
        ("AnsweredBy", "x" * 201),
        ("SipCallId", "s" * 201),
    ],
)
def test_an_unreadable_secondary_value_does_not_lose_the_final_state(name: str, value: str) -> None:
    complete, found = fact(), fact(**{name: value})
    assert (found.stated["status"], found.stated.pop("unread_fields")) == ("busy", [name])
    assert {*found.stated} <= {*complete.stated}
    assert (found.call_sid, found.occurred_us, found.links) == (complete.call_sid, complete.occurred_us, ())
    folded = fold("acme", Node(BUSY["CallSid"], is_carrier=True), [found])
    assert (folded.call.status, folded.call.end_reason) == ("busy", "busy")


def test_sip_code_0_is_no_response() -> None:
    statement = fact(CallStatus="no-answer", SipResponseCode="0").stated
    assert (statement["status"], "sip_code" in statement) == ("no-answer", False)
    assert "unread_fields" not in statement


def test_times_up_to_a_day_ahead_are_accepted() -> None:
    found = fact(Timestamp="Sun, 23 Aug 2026 07:59:59 +0000")
    assert found.occurred_us == RECEIVED_US + DAY_US - SECOND_US


@pytest.mark.parametrize("body", [b"", b"CallSid=%FF", b"\xff", b"CallSid=%ED%A0%80", b"a=1&" * 2_000])
def test_bodies_other_than_forms_are_not_understood(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        facts_of(callback_of(body))


def test_signed_json_bodies_of_call_resources_are_read() -> None:
    resource = {"sid": "CA1", "status": "no-answer", "direction": "outbound-api", "from": "+15551230001"}
    assert [found.call_sid for found in json_facts(resource)] == ["CA1"]
    both = json_facts({"calls": [resource, {**resource, "sid": "CA2"}]})
    assert [(found.call_sid, found.channel) for found in both] == [
        ("CA1", Channel.CALLBACK),
        ("CA2", Channel.CALLBACK),
    ]
    assert json_facts({"calls": []}) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "the body: not JSON"),
        (b"{", "the body: not JSON"),
        (b"[" * 10_000, "the body: not JSON"),
        ({"calls": [{"sid": "CA1"}, {"sid": "CA2", "status": "odd"}]}, r"the body calls\[1\]: status 'odd'"),
        ({"hello": "world"}, "the body: contains no Call resource"),
    ],
)
def test_json_bodies_count_completely_or_not_at_all(document: object, words: str) -> None:
    with pytest.raises(NotUnderstood, match=words):
        json_facts(document)


FORMS = st.dictionaries(st.sampled_from([*BUSY, *ACTION]), st.text(st.characters(exclude_categories=["Cs"])))


@given(
    body=st.one_of(st.binary(max_size=100), FORMS.map(urlencode).map(str.encode)),
    content_type=st.sampled_from([FORM, "", "application/json"]),
)
def test_arbitrary_bodies_are_read_or_not_understood(body: bytes, content_type: str) -> None:
    try:
        found = facts_of(callback_of(body, content_type=content_type))
    except NotUnderstood:
        return
    assert all(fold("acme", Node(one.call_sid, is_carrier=True), [one]) for one in found)
