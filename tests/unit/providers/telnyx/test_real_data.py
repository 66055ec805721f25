"""Signed event of API v1 from the tests of Telnyx's own SDK."""

from base64 import b64encode

from nacl.signing import SigningKey

from calltally.calls.times import SECOND_US, parse_instant
from calltally.providers.callback import Callback
from calltally.providers.telnyx.normalise import facts_of
from calltally.providers.telnyx.signature import verify
from tests.conftest import REAL_DATA
from tests.unit.providers.sampling import NOW_US

BODY = (REAL_DATA / "telnyx" / "v1_call_initiated.json").read_bytes().strip()


def test_the_published_event_is_verified_and_read() -> None:
    key, stamp = SigningKey.generate(), str(NOW_US // SECOND_US)
    signature = key.sign(f"{stamp}|".encode() + BODY).signature
    headers = {"telnyx-timestamp": stamp, "telnyx-signature-ed25519": b64encode(signature).decode()}
    callback = Callback("POST", "https://calls.example", headers, BODY, NOW_US)
    assert verify(callback, {"public_key": b64encode(bytes(key.verify_key)).decode()})
    (fact,) = facts_of(callback)
    assert fact.call_sid == "AgDIxmoRX6QMuaIj_uXRXnPAXP0QlNfXczRrZvZakpWxBlpw48KyZQ=="
    assert (fact.stated["status"], fact.stated["direction"]) == ("initiated", "inbound")
    assert (fact.stated["from_number"], fact.stated["to_number"]) == ("+35319605860", "+13129457420")
    assert fact.occurred_us == parse_instant("2018-02-02T22:25:27.521992Z")
