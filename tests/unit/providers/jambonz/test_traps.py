"""Peculiarities of jambonz, one test each."""

import hmac
import random
from typing import Any

import pytest

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.times import parse_instant
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.jambonz.normalise import facts_of
from calltally.providers.jambonz.resources import fact_of
from calltally.providers.jambonz.signature import verify
from tests.unit.providers.jambonz.samples import SAMPLES, TALK, record, status
from tests.unit.providers.sampling import NOW_US, Sent, signed


def fact(sent: Sent) -> Fact:
    return facts_of(signed("jambonz", sent))[0]


def listed(**changes: object) -> Fact:
    return fact_of(record(**changes), RecordSource(Channel.IMPORT, NOW_US))


def test_times_of_recent_calls_are_in_milliseconds() -> None:
    statement = listed().stated
    assert statement["started_us"] == parse_instant("2026-08-22T08:00:00Z")
    assert statement["answered_us"] == parse_instant("2026-08-22T08:00:03Z")
    assert listed(attempted_at="2026-08-22T08:00:00.000Z").stated["started_us"] == statement["started_us"]


def test_duration_of_recent_calls_includes_the_ringing() -> None:
    """Peers, point 9."""
    assert "talk_seconds" not in listed().stated
    assert fold("acme", Node(TALK, is_carrier=True), [listed()]).call.duration_seconds == 42


@pytest.mark.parametrize(
    ("sip", "ended"),
    [
        (486, "busy"),
        (600, "busy"),
        (480, "no-answer"),
        (408, "no-answer"),
        (487, "canceled"),
        (503, "failed"),
    ],
)
def test_the_sip_response_gives_the_status_of_unanswered_calls(sip: int, ended: str) -> None:
    statement = listed(answered=False, answered_at=None, sip_status=sip).stated
    assert (statement["status"], statement["sip_code"]) == (ended, sip)


def test_unanswered_calls_have_no_answer_time() -> None:
    assert "answered_us" not in listed(answered=False, answered_at=0, sip_status=486).stated


def test_requests_without_a_time_are_ordered_by_their_status() -> None:
    story = [
        fact(status(word, sip)) for word, sip in (("trying", 100), ("early-media", 183), ("in-progress", 200))
    ]
    for seed in range(6):
        mixed = random.Random(seed).sample(story, 3)
        assert fold("acme", Node(TALK, is_carrier=True), mixed).call.status == "in-progress"


@pytest.mark.parametrize(
    ("name", "value"),
    [("sip_status", 999), ("sip_reason", "x" * 201), ("direction", "up"), ("duration", "x")],
)
def test_an_unreadable_secondary_value_does_not_lose_the_end(name: str, value: object) -> None:
    sent = (
        {"word": "busy", "sip": 486, name: value} if name != "sip_status" else {"word": "busy", "sip": value}
    )
    statement = fact(status(**sent)).stated  # type: ignore[arg-type]  # values of every kind
    assert (statement["status"], statement["unread_fields"]) == ("busy", [name])
    assert fact(status("busy", 0)).stated.get("unread_fields") is None


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
@pytest.mark.parametrize(("word", "reason"), [("caller", "remote-hung-up"), ("jambonz", "local-hung-up")])
def test_who_hung_up_in_webhooks(word: str, reason: str, direction: str) -> None:
    """`caller` is the far end of the leg, whichever side placed the call."""
    story = [
        fact(status("trying", 100, direction=direction)),
        fact(status("completed", 200, direction=direction, duration=42, call_termination_by=word)),
    ]
    for order in (story, story[::-1], [*story, *story]):
        assert fold("acme", Node(TALK, is_carrier=True), order).call.end_reason == reason


@pytest.mark.parametrize(
    ("word", "direction", "reason"),
    [
        ("caller hungup", "inbound", "remote-hung-up"),
        ("caller hungup", "outbound", "local-hung-up"),
        ("called party hungup", "inbound", "local-hung-up"),
        ("called party hungup", "outbound", "remote-hung-up"),
        ("application closed", "outbound", "unknown"),
    ],
)
def test_who_hung_up_in_recent_calls(word: str, direction: str, reason: str) -> None:
    found = listed(termination_reason=word, direction=direction)
    assert fold("acme", Node(TALK, is_carrier=True), [found]).call.end_reason == reason
    assert "unread_fields" not in found.stated


def test_dialled_legs_are_separate_calls() -> None:
    parent, leg = facts_of(
        signed(
            "jambonz",
            status("in-progress", 200, dial_call_sid="leg", dial_call_status="busy", dial_sip_status=486),
        )
    )
    assert (parent.call_sid, leg.call_sid) == (TALK, "leg")
    assert (leg.stated["status"], leg.stated["sip_code"], leg.stated["parent_call_sid"]) == (
        "busy",
        486,
        TALK,
    )


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"dial_call_sid": "leg", "dial_call_status": "completed"}, "bridged"),
        ({"dial_call_sid": "leg", "dial_call_status": "no-answer"}, "failed"),
        ({"refer_status": 202, "final_referred_call_status": 200}, "bridged"),
        ({"refer_status": 202, "final_referred_call_status": 486}, "failed"),
        ({"refer_status": 202}, "requested"),
        ({"refer_status": 603}, "failed"),
    ],
)
def test_a_dial_and_a_refer_are_transfers(changes: dict[str, Any], outcome: str) -> None:
    story = [fact(status("in-progress", 200, **changes)), fact(status("completed", 200, duration=42))]
    for order in (story, story[::-1], story * 2):
        call = fold("acme", Node(TALK, is_carrier=True), order).call
        assert (call.status, call.transfer) == ("completed", {"target": None, "outcome": outcome})


def test_one_of_several_signatures_is_enough() -> None:
    genuine = signed("jambonz", status("trying", 100))
    stamp, mine = genuine.headers["jambonz-signature"].split(",")
    for header in (f"{stamp},v1={'0' * 64},{mine}", f"{stamp}, {mine}"):
        callback = Callback("POST", genuine.url, {"jambonz-signature": header}, genuine.body, NOW_US)
        assert verify(callback, SAMPLES.secrets)
    for header in (f"{stamp},t=1,{mine}", f"{stamp},v0={mine[3:]}", mine, f"{stamp}"):
        callback = Callback("POST", genuine.url, {"jambonz-signature": header}, genuine.body, NOW_US)
        assert not verify(callback, SAMPLES.secrets)


def test_the_signature_matches_the_documented_scheme() -> None:
    message = b'1787385600.{"call_sid": "1"}'
    signature = hmac.new(b"wh_secret_1", message, "sha256").hexdigest()
    headers = {"jambonz-signature": f"t=1787385600,v1={signature}"}
    callback = Callback(
        "POST", "https://calls.example", headers, message.partition(b".")[2], 1_787_385_600_000_000
    )
    assert verify(callback, SAMPLES.secrets)
