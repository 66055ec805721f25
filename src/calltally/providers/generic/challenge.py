"""Handshakes by which a provider checks the address of a webhook before it sends events.

Sources: Zoom, "Validate your webhook endpoint"; RingCentral, "Creating webhooks".
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from calltally.providers import bearer_secret, json_documents
from calltally.providers.callback import Callback
from calltally.providers.generic.mapping import Handshake
from calltally.providers.generic.signature import rules_of, verify
from calltally.providers.provider import ChallengeAnswer
from calltally.providers.signatures import hmac_of, keys_of

_ECHOED_HEADER: Final = "validation-token"
_ECHOED: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}", re.ASCII)
_ZOOM_EVENT: Final = "endpoint.url_validation"
_MAX_VALIDATION_BYTES: Final = 16_384


class _Payload(msgspec.Struct):
    plainToken: str  # noqa: N815 (Zoom's name)


class _Validation(msgspec.Struct):
    event: str
    payload: _Payload


_decoder: Final = msgspec.json.Decoder(_Validation)


def answer_challenge(callback: Callback, secrets: Mapping[str, str]) -> ChallengeAnswer | None:
    """Return the answer to a handshake; None for any other request."""
    rules = rules_of(secrets)
    if rules is None or rules.challenge is None:
        return None
    if rules.challenge is Handshake.RINGCENTRAL:
        return _echo(callback)
    return _encrypted(callback, secrets)


def _echo(callback: Callback) -> ChallengeAnswer | None:
    """Answer RingCentral, which sends a token without a body and expects it back in the same header."""
    token = callback.headers.get(_ECHOED_HEADER, "")
    if callback.body or not _ECHOED.fullmatch(token):
        return None
    return ChallengeAnswer(b"", {_ECHOED_HEADER: token})


def _encrypted(callback: Callback, secrets: Mapping[str, str]) -> ChallengeAnswer | None:
    """Answer Zoom, which sends a signed token and expects it back with its HMAC."""
    if len(callback.body) > _MAX_VALIDATION_BYTES or not verify(callback, secrets):
        return None
    try:
        validation = _decoder.decode(callback.body)
    except (ValueError, RecursionError):
        return None
    keys = keys_of(secrets, bearer_secret.SECRET_NAMES)
    if validation.event != _ZOOM_EVENT or not keys:
        return None
    plain = validation.payload.plainToken
    encrypted = hmac_of(keys[0], plain.encode()).hex()
    return ChallengeAnswer(json_documents.encode({"plainToken": plain, "encryptedToken": encrypted}), {})
