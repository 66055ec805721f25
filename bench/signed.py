"""One signed callback of each carrier, as it signs: for measuring what its scheme and its words cost."""

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from calltally.calls.times import SECOND_US, parse_instant
from calltally.providers.callback import Callback
from calltally.providers.twilio.signature import sign

NOW_US: Final = parse_instant("2026-08-22T09:00:00Z")
_STAMP: Final = str(NOW_US // SECOND_US)
_FORM: Final = "application/x-www-form-urlencoded"
_KEY: Final = "a-key-of-more-than-32-characters-in-all"
_ED25519: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_PARTIES: Final = {"From": "+14155550100", "To": "+14155550123"}
_TWIML: Final = {
    "CallSid": "CA" + "1" * 32,
    "AccountSid": "AC" + "2" * 32,
    "ApiVersion": "2010-04-01",
    "CallStatus": "completed",
    "Direction": "outbound-api",
    **_PARTIES,
    "Timestamp": "Sat, 22 Aug 2026 08:00:59 +0000",
    "SequenceNumber": "3",
    "CallDuration": "49",
    "SipResponseCode": "200",
}


class Signed(NamedTuple):
    """A callback, and the secrets that it is signed with."""

    callback: Callback
    secrets: Mapping[str, str]


def signed() -> dict[str, Signed]:
    """Each carrier's last word of an answered call."""
    return {
        "twilio": _twiml("twilio", "auth_token", "x-twilio-signature"),
        "signalwire": _twiml("signalwire", "signing_key", "x-signalwire-signature"),
        "plivo": _plivo(),
        "vonage": _vonage(),
        "jambonz": _jambonz(),
        "telnyx": _telnyx(),
    }


def _sent(name: str, body: bytes, content_type: str, headers: Mapping[str, str]) -> Callback:
    sent = {"content-type": content_type, "user-agent": name, **headers}
    return Callback("POST", _url(name), sent, body, NOW_US)


def _url(name: str) -> str:
    return f"https://calls.example/api/v1/ingest/{name}/acme"


def _hmac(message: str | bytes) -> bytes:
    return hmac.digest(_KEY.encode(), message if isinstance(message, bytes) else message.encode(), "sha256")


def _twiml(name: str, secret: str, header: str) -> Signed:
    headers = {header: sign(_url(name), list(_TWIML.items()), _KEY)}
    return Signed(_sent(name, urlencode(_TWIML).encode(), _FORM, headers), {secret: _KEY})


def _plivo() -> Signed:
    params = {
        "CallUUID": "aaaaaaaa-cea3-4458-bbdb-0bfc314ee7cd",
        "CallStatus": "completed",
        "Direction": "outbound",
        "Event": "Hangup",
        **{name: number.lstrip("+") for name, number in _PARTIES.items()},
        "ParentAuthID": "MA" + "B" * 18,
        "SessionStart": "2026-08-22 08:00:00.238707",
        "AnswerTime": "2026-08-22 08:00:05",
        "EndTime": "2026-08-22 08:00:42",
        "HangupCause": "NORMAL_CLEARING",
        "HangupCauseCode": "4000",
        "TotalCost": "0.00850",
    }
    text = "".join(f"{name}{value}" for name, value in sorted(params.items()))
    signature = b64encode(_hmac(f"{_url('plivo')}?{text}.nonce")).decode()
    headers = {"x-plivo-signature-v3": signature, "x-plivo-signature-v3-nonce": "nonce"}
    return Signed(_sent("plivo", urlencode(params).encode(), _FORM, headers), {"auth_token": _KEY})


def _vonage() -> Signed:
    body = _json(
        uuid="aaaaaaaa-2962-41e7-baf4-90f63e25e439",
        status="completed",
        direction="outbound",
        timestamp="2026-08-22T08:00:42.700Z",
        start_time="2026-08-22T08:00:05.000Z",
        end_time="2026-08-22T08:00:42.000Z",
        duration="37",
        price="0.00277500",
        **{name.lower(): number for name, number in _PARTIES.items()},
    )
    claims = _json(iat=int(_STAMP), payload_hash=sha256(body).hexdigest(), api_key="a1b2c3d")
    message = b".".join(map(_base64url, (_json(typ="JWT", alg="HS256"), claims)))
    token = b".".join((message, _base64url(_hmac(message)))).decode()
    headers = {"authorization": f"Bearer {token}"}
    return Signed(_sent("vonage", body, "application/json", headers), {"signature_secret": _KEY})


def _jambonz() -> Signed:
    body = _json(
        call_sid="aaaaaaaa-8e86-4d62-ae3b-64fb574d91f6",
        call_status="completed",
        direction="inbound",
        duration=42,
        sip_status=200,
        account_sid="ee9d7d49-b3e4-4fdb-9d66-661149f717e8",
        **{name.lower(): number for name, number in _PARTIES.items()},
    )
    headers = {"jambonz-signature": f"t={_STAMP},v1={_hmac(f'{_STAMP}.'.encode() + body).hex()}"}
    return Signed(_sent("jambonz", body, "application/json", headers), {"webhook_secret": _KEY})


def _telnyx() -> Signed:
    payload = {
        "call_control_id": "v3:aaaaaaaa",
        "call_leg_id": "428c31b6-7af4-4bcb-b7f5-5013ef9657c1",
        "start_time": "2026-08-22T08:00:00.000000Z",
        "hangup_cause": "normal_clearing",
        "sip_hangup_cause": "200",
        **{name.lower(): number for name, number in _PARTIES.items()},
    }
    event = {
        "event_type": "call.hangup",
        "id": "1",
        "occurred_at": "2026-08-22T08:00:42Z",
        "payload": payload,
    }
    body = _json(data=event, meta={"attempt": 1})
    signature = b64encode(_ED25519.sign(f"{_STAMP}|".encode() + body)).decode()
    headers = {"telnyx-timestamp": _STAMP, "telnyx-signature-ed25519": signature}
    public = b64encode(_ED25519.public_key().public_bytes_raw()).decode()
    return Signed(_sent("telnyx", body, "application/json", headers), {"public_key": public})


def _json(**fields: Any) -> bytes:  # noqa: ANN401 (values of every kind)
    return json.dumps(fields).encode()


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
