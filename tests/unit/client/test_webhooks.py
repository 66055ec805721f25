"""Verification of deliveries by signature and time."""

import hmac
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls import errors
from calltally.calls.errors import InvalidInput
from calltally.client.errors import ClientError, UnexpectedAnswer, WrongSignatureError
from calltally.client.webhooks import CallEnded, verify, verify_signature

# The example in the tests of the scheme's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW_S = 1_614_265_330
BODY = b'{"test": 2432232314}'
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(NOW_S),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
EVENT = {
    "id": "evt-1",
    "event": "voice.call.completed",
    "created_at": "2026-10-01T09:32:31.204418Z",
    "tenant_id": "acme",
    "api_version": "v1",
    "data": {"call_sid": "CA1", "status": "busy", "id": "id-1", "revision": 4, "later": True},
}


def signature(secret: str, body: bytes, message_id: str = "msg_1", sent_at: str = str(NOW_S)) -> str:
    content = f"{message_id}.{sent_at}.".encode() + body
    digest = hmac.digest(b64decode(secret.removeprefix("whsec_")), content, "sha256")
    return f"v1,{b64encode(digest).decode()}"


def signed(body: bytes, secret: str = SECRET, sent_at: str = str(NOW_S)) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": sent_at,
        "Webhook-Signature": signature(secret, body, sent_at=sent_at),
    }


def check(body: bytes, headers: dict[str, str], *secrets: str, now_s: float = NOW_S) -> str:
    return verify_signature(body, headers, secrets=secrets or [SECRET], now_s=now_s)


def test_example_of_the_scheme_is_verified() -> None:
    assert check(BODY, HEADERS) == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert check(BODY, HEADERS, SECRET.removeprefix("whsec_"))
    assert verify_signature(BODY, HEADERS, secrets=SECRET, now_s=NOW_S)


def test_event_is_typed() -> None:
    body = json.dumps(EVENT).encode()
    event = verify(body, signed(body), secrets=SECRET, now_s=NOW_S)
    assert (event.id, event.event, event.tenant_id) == ("evt-1", "voice.call.completed", "acme")
    assert event.call_ended() == CallEnded("CA1", "busy", id="id-1", revision=4)


def test_data_of_another_event_is_not_a_call() -> None:
    body = json.dumps({**EVENT, "event": "voice.session.evaluated", "data": {}}).encode()
    event = verify(body, signed(body), secrets=SECRET, now_s=NOW_S)
    with pytest.raises(UnexpectedAnswer, match=r"the data of the voice\.session\.evaluated event"):
        event.call_ended()


@pytest.mark.parametrize("body", [BODY, b"", b"[]", b"\xff", b'{"id": "\xff"}'])
def test_signed_body_that_is_no_event_is_an_error(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match="the signature is valid, but the body is not an event"):
        verify(body, signed(body), secrets=SECRET, now_s=NOW_S)


def test_either_secret_is_accepted_during_a_rotation() -> None:
    assert check(BODY, signed(BODY, OTHER), SECRET, OTHER)
    both = {**signed(BODY), "Webhook-Signature": f"v1a,xx {signature(OTHER, BODY)} {signature(SECRET, BODY)}"}
    assert check(BODY, both, SECRET)
    assert check(BODY, both, OTHER)


@pytest.mark.parametrize("off_s", [-300, -1, 0, 300])
def test_clocks_may_differ_within_the_tolerance(off_s: int) -> None:
    assert check(BODY, HEADERS, now_s=NOW_S + off_s)


@pytest.mark.parametrize(
    ("off_s", "when"), [(301, "301 s ago"), (-301, "301 s ahead"), (1e9, "1000000000 s ago")]
)
def test_stale_and_future_deliveries_are_refused(off_s: float, when: str) -> None:
    with pytest.raises(WrongSignatureError, match=when):
        check(BODY, HEADERS, now_s=NOW_S + off_s)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": str(NOW_S + 1)},
        {"webhook-timestamp": f"+{NOW_S}"},
        {"webhook-timestamp": f"{NOW_S}.0"},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE"},
        {"webhook-signature": "v1,G0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": " "},
        {"webhook-id": ""},
    ],
)
def test_changed_headers_are_refused(changed: dict[str, str]) -> None:
    with pytest.raises(WrongSignatureError):
        check(BODY, {**HEADERS, **changed})


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_changed_byte_of_the_body_is_refused(position: int, change: int) -> None:
    other = bytes([*BODY[:position], BODY[position] ^ change, *BODY[position + 1 :]])
    with pytest.raises(WrongSignatureError, match="does not match this body"):
        check(other, HEADERS)


def test_wrong_secret_is_refused() -> None:
    with pytest.raises(errors.WrongSignature) as caught:
        check(BODY, HEADERS, OTHER)
    assert isinstance(caught.value, ClientError)


@pytest.mark.parametrize("name", HEADERS)
def test_missing_header_is_named(name: str) -> None:
    with pytest.raises(WrongSignatureError, match=f"has no {name}"):
        check(BODY, {key: value for key, value in HEADERS.items() if key != name})


@pytest.mark.parametrize("secrets", [[], "", "whsec_", "whsec_not base64", [SECRET, "ü"]])
def test_error_for_an_invalid_secret_does_not_contain_it(secrets: Any) -> None:  # noqa: ANN401 (one or several)
    with pytest.raises(InvalidInput) as caught:
        verify_signature(BODY, HEADERS, secrets=secrets, now_s=NOW_S)
    assert "not base64" not in caught.value.detail
