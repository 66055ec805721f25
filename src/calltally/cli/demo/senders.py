"""Sample providers of the demo: their secrets, and the signatures of their callbacks."""

import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from calltally.ingest.sample.calls import SampleMessage
from calltally.providers.retell import signature as retell
from calltally.providers.retell.words import NAME as RETELL
from calltally.providers.telnyx import signature as telnyx
from calltally.providers.telnyx.words import NAME as TELNYX
from calltally.providers.twilio import signature as twilio
from calltally.providers.twilio.words import NAME as TWILIO
from calltally.providers.vapi.words import NAME as VAPI
from calltally.providers.vonage import signature as vonage
from calltally.providers.vonage.words import NAME as VONAGE


class SignableCallback(NamedTuple):
    """Callback to sign: its URL, the message and its bytes, and the time (microseconds UTC)."""

    url: str
    message: SampleMessage
    body: bytes
    at_us: int


_Headers: TypeAlias = Callable[[SignableCallback, str], Mapping[str, str]]


class Sender(NamedTuple):
    """One sample provider: its secrets in the tenant, its signing key, and the headers that it adds."""

    stored: Mapping[str, str]
    secret: str
    headers: _Headers

    def signed(self, message: SampleMessage, url: str, now_us: int) -> tuple[bytes, dict[str, str]]:
        """Return the body of a message, and all its headers."""
        body = message.encoded()
        headers = self.headers(SignableCallback(url, message, body, now_us), self.secret)
        return body, {"content-type": message.content_type, **headers}


def new_senders() -> dict[str, Sender]:
    """Return the senders by provider, each with new secrets."""
    senders = {}
    for name, (stored_as, headers) in _SHARED.items():
        secret = secrets.token_hex(16)
        senders[name] = Sender({stored_as: secret}, secret, headers)
    private = b64encode(secrets.token_bytes(32)).decode()
    senders[TELNYX] = Sender({"public_key": telnyx.public_key_of(private)}, private, _telnyx)
    return senders


def _telnyx(request: SignableCallback, private_key: str) -> Mapping[str, str]:
    return telnyx.sign(request.body, private_key, request.at_us)


def _twilio(request: SignableCallback, token: str) -> Mapping[str, str]:
    return {twilio.HEADER: twilio.sign(request.url, list(request.message.content.items()), token)}


def _vonage(request: SignableCallback, secret: str) -> Mapping[str, str]:
    return {"authorization": vonage.sign(request.body, secret, request.at_us)}


# Providers with a shared secret: its name in the store, and the headers that are made with it.
_SHARED: Final[Mapping[str, tuple[str, _Headers]]] = {
    TWILIO: ("auth_token", _twilio),
    VONAGE: ("signature_secret", _vonage),
    VAPI: ("secret", lambda _request, secret: {"x-vapi-secret": secret}),
    RETELL: ("api_key", lambda request, key: {retell.HEADER: retell.sign(request.body, key, request.at_us)}),
}
