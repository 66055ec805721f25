"""What SignalWire does that others do not: each trap by its name."""

import hmac
import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from calltally.calls.events import Door
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.form import Params, parse_form
from calltally.providers.signalwire import signature
from calltally.providers.signalwire.resources import fact_of
from calltally.providers.signalwire.signature import verify
from tests.unit.providers.sampling import FORM, JSON, NOW_US, signed
from tests.unit.providers.signalwire.samples import SAMPLES, resource, status

KEY = SAMPLES.secrets["signing_key"]
URL = "https://calls.example/hook"


def is_let_in(headers: dict[str, str], body: bytes, content_type: str = JSON, url: str = URL) -> bool:
    callback = Callback("POST", url, {"content-type": content_type, **headers}, body, NOW_US)
    return verify(callback, SAMPLES.secrets)


def digest(message: bytes, hash_name: str) -> bytes:
    return hmac.new(KEY.encode(), message, hash_name).digest()


@pytest.mark.parametrize("header", ["x-signalwire-signature", "x-twilio-signature"])
def test_bodies_that_are_no_form_are_signed_whole(header: str) -> None:
    body = json.dumps(resource()).encode()
    signature = digest(URL.encode() + body, "sha1").hex()
    assert is_let_in({header: signature}, body)
    assert not is_let_in({header: signature}, body + b" ")
    assert is_let_in({"x-signalwire-sha256-signature": digest(URL.encode() + body, "sha256").hex()}, body)
    assert not is_let_in({"x-signalwire-sha256-signature": signature}, body)


def test_a_name_that_comes_several_times_keeps_its_order() -> None:
    pairs = [("CallSid", "1"), ("Tag", "b"), ("Tag", "a")]
    signature = b64encode(digest(f"{URL}CallSid1TagbTaga".encode(), "sha1")).decode()
    assert is_let_in({"x-signalwire-signature": signature}, urlencode(pairs).encode(), FORM)
    turned = urlencode([pairs[0], pairs[2], pairs[1]]).encode()
    assert not is_let_in({"x-signalwire-signature": signature}, turned, FORM)


def test_a_signature_over_the_url_alone_vouches_for_no_body() -> None:
    signature = b64encode(digest(URL.encode(), "sha1")).decode()
    assert not is_let_in({"x-signalwire-signature": signature}, b'{"sid": "1"}')
    assert not is_let_in({"x-signalwire-signature": signature}, b"CallSid=1", FORM)


def test_a_default_port_may_be_signed_or_not() -> None:
    genuine = signed("signalwire", status("ringing", 2))
    headers = {"x-signalwire-signature": genuine.headers["x-signalwire-signature"]}
    for url in (genuine.url, genuine.url.replace("calls.example", "calls.example:443")):
        assert is_let_in(headers, genuine.body, FORM, url)


def test_durations_and_prices_are_numbers() -> None:
    said = fact_of(resource(), RecordSource(Door.IMPORT, NOW_US)).said
    assert (said["talk_seconds"], said["cost"]) == (49, {"amount": "0.00865", "currency": "USD"})


def test_a_form_is_read_once_for_all_spellings_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_what_no_signature_came_for_is_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def counted(key: bytes, message: bytes, hash_name: str = "sha256") -> bytes:
        hashed.append(hash_name)
        return hmac.digest(key, message, hash_name)

    monkeypatch.setattr(signature, "hmac_of", counted)
    assert not is_let_in({}, b"{}")
    assert hashed == []
    assert not is_let_in({"x-signalwire-sha256-signature": "x"}, b"{}")
    assert set(hashed) == {"sha256"}
