"""Builders of Twilio callbacks, signed by Twilio's own SDK."""

from collections.abc import Sequence
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from calltally.calls.times import parse_instant
from calltally.providers.callback import Callback

TOKEN = "12345"
URL = "https://calls.example/api/v1/ingest/twilio/acme"
RECEIVED_US = parse_instant("2026-08-22T08:00:00Z")
FORM = "application/x-www-form-urlencoded"

Pairs = Sequence[tuple[str, str]]


class Repeated(dict[str, list[str]]):
    """Parameters in the form of a web framework: several values per name."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def repeated(pairs: Pairs) -> Repeated:
    values = Repeated()
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def sdk_signature(url: str, params: Repeated, *, token: str = TOKEN, algorithm: str | None = None) -> str:
    return str(RequestValidator(token).compute_signature(url, params, algorithm))


def callback_of(body: bytes, signature: str = "", *, url: str = URL, content_type: str = FORM) -> Callback:
    headers = {"x-twilio-signature": signature, "content-type": content_type}
    return Callback("POST", url, headers, body, RECEIVED_US)


def form_callback(pairs: Pairs, *, url: str = URL, signed_url: str | None = None) -> Callback:
    signature = sdk_signature(signed_url or url, repeated(pairs))
    return callback_of(urlencode(pairs).encode(), signature, url=url)
