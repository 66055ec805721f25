"""Peculiarities of LiveKit: tokens, SIP participants, and links to the carrier's call."""

import hashlib
import json

import jwt
import pytest

from calltally.calls.identity import Node
from calltally.calls.times import SECOND_US
from calltally.providers.callback import Callback
from calltally.providers.livekit import normalise, signature
from calltally.providers.livekit.signature import verify
from tests.unit.providers.livekit.samples import CARRIER, SAMPLES, TALK, sign
from tests.unit.providers.sampling import NOW_US, Sent, signed


def test_the_sdk_accepts_the_same_token() -> None:
    from livekit.api import TokenVerifier, WebhookReceiver  # deferred: loads for half a second

    sent = SAMPLES.story[0]
    token = sign(sent, "", SAMPLES.secrets, NOW_US)["authorization"]
    claims = jwt.decode(
        token,
        SAMPLES.secrets["api_secret"],
        algorithms=["HS256"],
        options={"verify_exp": False, "verify_nbf": False},
    )
    fresh = jwt.encode({**claims, "nbf": 0, "exp": 2**33}, SAMPLES.secrets["api_secret"], algorithm="HS256")
    receiver = WebhookReceiver(TokenVerifier("APIthe", SAMPLES.secrets["api_secret"]))
    assert receiver.receive(sent.body.decode(), fresh).event == "participant_joined"
    arrived = Callback("POST", "https://calls.example/", {"authorization": fresh}, sent.body, NOW_US)
    assert verify(arrived, SAMPLES.secrets)


def test_tokens_of_other_keys_or_schemes_are_rejected() -> None:
    genuine = signed("livekit", SAMPLES.story[0])
    assert not verify(genuine, {**SAMPLES.secrets, "api_key": "APIanother"})
    assert verify(genuine, {"api_secret": SAMPLES.secrets["api_secret"]})
    claims = {"iss": "APIthe", "exp": NOW_US // SECOND_US + 60, "sha256": ""}
    unsigned = jwt.encode(claims, "", algorithm="none")
    assert not verify(
        Callback("POST", "https://calls.example/", {"authorization": unsigned}, b"", NOW_US), SAMPLES.secrets
    )


def test_participants_without_sip_are_not_calls() -> None:
    body = json.loads(SAMPLES.story[0].body)
    body["participant"]["kind"] = "AGENT"
    assert normalise.facts_of(signed("livekit", Sent(json.dumps(body).encode()))) == []


def test_facts_link_the_carrier_call_and_the_sip_call_id() -> None:
    [fact] = normalise.facts_of(signed("livekit", SAMPLES.story[0]))
    assert fact.links == (Node(CARRIER, is_carrier=True), Node(f"{TALK}@sip.example", is_carrier=False))
    assert (fact.stated["direction"], fact.stated["from_number"]) == ("inbound", "+14155550123")
    assert fact.event_id.startswith("EV_")


def test_bodies_of_unsigned_tokens_are_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []

    def counted(body: bytes) -> "hashlib._Hash":
        hashed.append(body)
        return hashlib.sha256(body)

    monkeypatch.setattr(signature, "sha256", counted)
    assert not verify(signed("livekit", SAMPLES.story[0], secrets=SAMPLES.other_secrets), SAMPLES.secrets)
    assert hashed == []
    assert verify(signed("livekit", SAMPLES.story[0]), SAMPLES.secrets)
    assert hashed == [SAMPLES.story[0].body]
