"""Peculiarities of Vonage, one test each."""

import json
import random
from hashlib import sha256
from itertools import permutations
from typing import Any

import jwt
import pytest
from vonage_jwt.verify_jwt import verify_signature

from calltally.calls.errors import UnknownKind
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold, fold_ending
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.calls.times import SECOND_US, parse_instant
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.vonage.normalise import facts_of
from calltally.providers.vonage.resources import list_facts
from calltally.providers.vonage.signature import verify
from tests.unit.providers.sampling import NOW_US, Sent, signed
from tests.unit.providers.vonage.samples import (
    ENDED,
    SAMPLES,
    TALK,
    by_get,
    event,
    machine,
    posted,
    record,
    token,
)

SECRET = SAMPLES.secrets["signature_secret"]


def fact(sent: Sent) -> Fact:
    (only,) = facts_of(signed("vonage", sent))
    return only


def folded(sent: list[Sent]) -> Call:
    return fold("acme", Node(TALK, is_carrier=True), [fact(each) for each in sent]).call


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("busy", "busy"),
        ("failed", "failed"),
        ("rejected", "failed"),
        ("timeout", "no-answer"),
        ("unanswered", "no-answer"),
        ("cancelled", "canceled"),
    ],
)
def test_completed_does_not_replace_an_unanswered_end(word: str, status: str) -> None:
    story = [posted("started", 0), posted(word, 20), posted("completed", 20.4, duration="0")]
    for order in permutations(story):
        call = folded(list(order))
        assert (call.status, call.duration_seconds, call.conflicts) == (status, 0, 0)


def test_e164_numbers_get_a_plus_sign_and_short_ones_none() -> None:
    assert fact(posted("started", 0)).stated["from_number"] == "+14155550100"
    statement = fact(posted("started", 0, **{"from": "12345", "to": "sip:bob@pbx.example"})).stated
    assert (statement["from_number"], statement["to_number"]) == ("12345", "sip:bob@pbx.example")


def test_durations_rates_and_prices_are_strings() -> None:
    statement = fact(posted("completed", 42.7, **ENDED)).stated
    assert statement["talk_seconds"] == 37
    assert statement["cost"] == {"amount": "0.00277500", "currency": "EUR"}
    assert fact(posted("completed", 42.7, duration=37)).stated["talk_seconds"] == 37


@pytest.mark.parametrize("word", ["human", "machine"])
def test_events_of_machine_detection_name_their_call_otherwise(word: str) -> None:
    found = fact(machine(word, 6))
    assert (found.call_sid, found.stated["answered_by"]) == (TALK, word)
    assert "status" not in found.stated


@pytest.mark.parametrize("word", ["record", "input", "transfer", "disconnected"])
def test_events_without_a_call_state_give_no_status(word: str) -> None:
    assert "status" not in fact(posted(word, 9)).stated


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", "free"),
        ("sip_code", "9999"),
        ("recording_url", "/files/1"),
        ("direction", "up"),
        ("to", "9" * 129),
    ],
)
def test_an_unreadable_secondary_value_does_not_lose_the_end(name: str, value: str) -> None:
    found = fact(posted("completed", 42.7, **{**ENDED, name: value}))
    assert (found.stated["status"], found.stated["unread_fields"]) == ("completed", [name])
    assert found.stated["talk_seconds"] == 37


@pytest.mark.parametrize(
    ("word", "reason"),
    [("user", "remote-hung-up"), ("platform", "local-hung-up"), ("unknown", "unknown")],
)
@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_who_hung_up(word: str, reason: str, direction: str) -> None:
    story = [
        posted("answered", 5),
        posted("completed", 42.7, **ENDED, disconnected_by=word, direction=direction),
    ]
    for order in permutations([*story, story[-1]]):
        assert folded(list(order)).end_reason == reason


@pytest.mark.parametrize(
    ("status", "detail", "reason", "side"),
    [
        ("failed", "cannot_route", "network", "network"),
        ("failed", "number_out_of_service", "invalid-number", "caller"),
        ("failed", "internal_error", "provider-error", "provider"),
        ("failed", "carrier_timeout", "network", "network"),
        ("rejected", "invalid_number", "invalid-number", "caller"),
        ("rejected", "restricted", "rejected", "network"),
        ("rejected", "declined", "rejected", "called"),
        ("unanswered", "unavailable", "no-answer", "called"),
        ("unanswered", "timeout", "no-answer", "called"),
        ("failed", "a_word_of_next_year", "unknown", None),
    ],
)
def test_each_detail_of_an_end(status: str, detail: str, reason: str, side: str | None) -> None:
    story = [posted("started", 0), posted(status, 20, detail=detail), posted("completed", 20.4, duration="0")]
    for order in permutations(story):
        ending = fold_ending([fact(each) for each in (*order, story[1])])
        assert (ending.reason, ending.side, ending.provider_word) == (reason, side, detail)


def test_legs_of_web_sockets_are_no_second_calls() -> None:
    socket = "wss://agent.example/media"
    for sent in (posted("started", 0, to=socket), posted("completed", 9, **ENDED, to=socket)):
        with pytest.raises(UnknownKind, match="media stream") as unread:
            fact(sent)
        assert unread.value.kind == "websocket"
    page = {
        "_embedded": {"calls": [record(), record(uuid="ws-leg", to={"type": "websocket", "uri": socket})]}
    }
    source = RecordSource(Channel.PROVIDER_LIST, NOW_US)
    found = list(list_facts([json.dumps(page).encode()], source))
    assert [each.call_sid for each in found if isinstance(each, Fact)] == [TALK]
    assert len(found) == 1


def test_the_conversation_is_kept() -> None:
    call = folded([posted("started", 0), posted("completed", 42.7, **ENDED)])
    assert call.metadata == {"conversation_uuid": f"CON-{TALK}"}


def test_get_and_post_events_have_the_same_fields() -> None:
    posted_fact = fact(posted("completed", 50, "cccccccc-2962-41e7-baf4-90f63e25e439", duration="12"))
    get_fact = fact(by_get("completed", 50, duration="12"))
    assert get_fact.stated == posted_fact.stated
    assert get_fact.raw.startswith(b"from=14155550100&")


def test_legs_of_a_conversation_are_separate_calls() -> None:
    legs = [
        posted("answered", 5, f"{digit * 8}-0000-0000-0000-000000000000", conversation_uuid="CON-1")
        for digit in "12"
    ]
    assert len({fact(leg).call_sid for leg in legs}) == 2


def test_events_out_of_order_fold_to_the_call() -> None:
    """Peers, point 4 (Nexmo/nexmo-developer#1653)."""
    story = [
        posted("started", 0),
        posted("ringing", 1.5),
        posted("answered", 5),
        posted("completed", 42.7, **ENDED),
    ]
    expected = folded(story)
    assert (expected.status, expected.duration_seconds, expected.ring_seconds) == ("completed", 37, 3)
    for seed in range(10):
        assert folded(random.Random(seed).sample(story, 4)) == expected


def test_times_with_an_offset_are_converted_to_utc() -> None:
    found = fact(
        Sent(json.dumps({**event("ringing", 1), "timestamp": "2026-08-22T10:00:01.000+02:00"}).encode())
    )
    assert found.occurred_us == parse_instant("2026-08-22T08:00:01Z")


@pytest.mark.parametrize("sent", SAMPLES.story, ids=lambda sent: str((sent.body or sent.query)[:40]))
def test_the_sdk_accepts_the_same_signatures(sent: Sent) -> None:
    bearer = signed("vonage", sent).headers["authorization"]
    assert verify_signature(bearer.removeprefix("Bearer "), SECRET)
    assert not verify_signature(bearer.removeprefix("Bearer "), "another-secret-of-over-32-characters")


def is_accepted(bearer: str, *, method: str = "POST", body: bytes = b"{}") -> bool:
    headers = {"authorization": f"Bearer {bearer}"}
    return verify(
        Callback(method, "https://calls.example/?a=1", headers, body, NOW_US), {"signature_secret": SECRET}
    )


def test_tokens_without_a_payload_hash_cover_no_body() -> None:
    assert is_accepted(token(SECRET, NOW_US, payload_hash=sha256(b"{}").hexdigest()))
    assert not is_accepted(token(SECRET, NOW_US))
    assert not is_accepted(token(SECRET, NOW_US, payload_hash=sha256(b"").hexdigest()))
    for payload in (None, b"", b"a=1"):
        hashed = None if payload is None else sha256(payload).hexdigest()
        assert is_accepted(token(SECRET, NOW_US, payload_hash=hashed), method="GET", body=b"")
    assert not is_accepted(
        token(SECRET, NOW_US, payload_hash=sha256(b"a=2").hexdigest()), method="GET", body=b""
    )


def test_tokens_of_other_schemes_are_rejected() -> None:
    claims: dict[str, Any] = {"iat": NOW_US // SECOND_US, "payload_hash": sha256(b"{}").hexdigest()}
    assert is_accepted(jwt.encode(claims, SECRET, "HS256"))
    assert not is_accepted(jwt.encode(claims, "", "none"))
    assert not is_accepted(jwt.encode(claims, SECRET + SECRET, "HS512"))
    assert not is_accepted(jwt.encode({**claims, "exp": claims["iat"] - 1}, SECRET, "HS256"))
    assert not is_accepted(jwt.encode({"payload_hash": claims["payload_hash"]}, SECRET, "HS256"))
