"""Peculiarities of SignalWire, one test each."""

import hmac
import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from calltally.calls.events import Channel
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.form import Params, parse_form
from calltally.providers.signalwire import signature
from calltally.providers.signalwire.resources import fact_of
from calltally.providers.signalwire.signature import verify
from tests.unit.providers.sampling import FORM, JSON, NOW_US, signed
from tests.unit.providers.signalwire.samples import SAMPLES, resource, status

KEY = SAMPLES.secrets["signing_key"]
URL = "https://calls.example/hook"


def is_accepted(headers: dict[str, str], body: bytes, content_type: str = JSON, url: str = URL) -> bool:
    callback = Callback("POST", url, {"content-type": content_type, **headers}, body, NOW_US)
    return verify(callback, SAMPLES.secrets)


def digest(message: bytes, hash_name: str) -> bytes:
    return hmac.new(KEY.encode(), message, hash_name).digest()


@pytest.mark.parametrize("header", ["x-signalwire-signature", "x-twilio-signature"])
def test_other_bodies_than_forms_are_signed_completely(header: str) -> None:
    body = json.dumps(resource()).encode()
    signature = digest(URL.encode() + body, "sha1").hex()
    assert is_accepted({header: signature}, body)
    assert not is_accepted({header: signature}, body + b" ")
    assert is_accepted({"x-signalwire-sha256-signature": digest(URL.encode() + body, "sha256").hex()}, body)
    assert not is_accepted({"x-signalwire-sha256-signature": signature}, body)


def test_values_of_repeated_names_keep_their_order() -> None:
    pairs = [("CallSid", "1"), ("Tag", "b"), ("Tag", "a")]
    signature = b64encode(digest(f"{URL}CallSid1TagbTaga".encode(), "sha1")).decode()
    assert is_accepted({"x-signalwire-signature": signature}, urlencode(pairs).encode(), FORM)
    turned = urlencode([pairs[0], pairs[2], pairs[1]]).encode()
    assert not is_accepted({"x-signalwire-signature": signature}, turned, FORM)


def test_signatures_of_the_url_alone_cover_no_body() -> None:
    signature = b64encode(digest(URL.encode(), "sha1")).decode()
    assert not is_accepted({"x-signalwire-signature": signature}, b'{"sid": "1"}')
    assert not is_accepted({"x-signalwire-signature": signature}, b"CallSid=1", FORM)


def test_a_default_port_may_be_signed_or_not() -> None:
    genuine = signed("signalwire", status("ringing", 2))
    headers = {"x-signalwire-signature": genuine.headers["x-signalwire-signature"]}
    for url in (genuine.url, genuine.url.replace("calls.example", "calls.example:443")):
        assert is_accepted(headers, genuine.body, FORM, url)


def test_durations_and_prices_are_numbers() -> None:
    statement = fact_of(resource(), RecordSource(Channel.IMPORT, NOW_US)).stated
    assert (statement["talk_seconds"], statement["cost"]) == (49, {"amount": "0.00865", "currency": "USD"})


def test_forms_are_parsed_once_for_all_url_variants_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def counted(body: bytes) -> Params:
        read.append(body)
        return parse_form(body)

    monkeypatch.setattr(signature, "parse_form", counted)
    callback = Callback(
        "POST", "https://calls.example:8443/hook", {"x-signalwire-signature": "x"}, b"CallSid=1", NOW_US
    )
    assert not verify(callback, {"signing_key": "a", "signing_key_secondary": "b"})
    assert read == [b"CallSid=1"]


def test_schemes_without_a_signature_are_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def counted(key: bytes, message: bytes, hash_name: str = "sha256") -> bytes:
        hashed.append(hash_name)
        return hmac.digest(key, message, hash_name)

    monkeypatch.setattr(signature, "hmac_of", counted)
    assert not is_accepted({}, b"{}")
    assert hashed == []
    assert not is_accepted({"x-signalwire-sha256-signature": "x"}, b"{}")
    assert set(hashed) == {"sha256"}
