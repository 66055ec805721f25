"""Verification of deliveries by the Standard Webhooks scheme, with the standard library's cryptography.

Verify the unchanged bytes of the body, before any parser. A delivery can arrive more than once, with the same
`webhook-id` or another: `calltally.client.once` runs an effect only once.
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.client.errors import InvalidArgument, UnexpectedAnswer, WrongSignatureError

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
TOLERANCE_S: Final = 300
_KEY_PREFIX: Final = "whsec_"
_SIGNATURE_PREFIX: Final = "v1,"
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class CallEnded(msgspec.Struct, frozen=True):
    """Data of a `voice.call.completed`, which is sent for every final state. Unknown fields are None.

    A later state of the same call has a higher `revision`.
    """

    call_sid: str
    status: str
    id: str | None = None
    revision: int | None = None
    direction: str | None = None
    from_number: str | None = None
    to_number: str | None = None
    duration_seconds: int | None = None
    escalated: bool | None = None
    summary: str | None = None
    voice_session_id: str | None = None
    stream_sid: str | None = None
    function_call_count: int | None = None
    transcript_turn_count: int | None = None


class Envelope(msgspec.Struct, frozen=True):
    """One delivered event. `event` is its type, which defines `data`; `created_at` is RFC 3339."""

    id: str
    event: str
    created_at: str
    data: dict[str, Any]
    tenant_id: str | None = None
    api_version: str | None = None

    def call_ended(self) -> CallEnded:
        """Return the data of a `voice.call.completed`. Raises UnexpectedAnswer for data of another form."""
        try:
            return msgspec.convert(self.data, CallEnded)
        except msgspec.ValidationError as fault:
            raise UnexpectedAnswer(
                f"the data of the {self.event} event is not a valid call: {fault}"
            ) from fault


_envelope_decoder: Final = msgspec.json.Decoder(Envelope)


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: str | Iterable[str],
    now_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> Envelope:
    """Verify the signature of a delivery and return its event.

    `secrets` are those of the endpoint: one, or the old and the new during a rotation. `now_s` is the current
    time in seconds since 1970. Raises WrongSignatureError: then respond with 401 and do not process the
    delivery. Raises UnexpectedAnswer for a genuine body that is no event, and InvalidArgument for an invalid
    secret.
    """
    verify_signature(body, headers, secrets=secrets, now_s=now_s, tolerance_s=tolerance_s)
    try:
        return _envelope_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise UnexpectedAnswer(f"the signature is valid, but the body is not an event: {fault}") from fault


def verify_signature(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: str | Iterable[str],
    now_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> str:
    """Verify the signature of a delivery with any body, and return its `webhook-id`.

    Raises WrongSignatureError, and InvalidArgument for an invalid secret.
    """
    keys = [_decode_secret(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise InvalidArgument.of("secrets", "give at least one secret of the endpoint")
    message_id, sent_at, signatures = _read_headers(headers)
    _check_timestamp(sent_at, now_s, tolerance_s)
    content = b"%b.%b.%b" % (message_id.encode(), sent_at.encode(), body)
    if not _is_signed(content, keys, signatures):
        raise WrongSignatureError(f"{SIGNATURE_HEADER} does not match this body with any of the secrets")
    return message_id


def _decode_secret(secret: str) -> bytes:
    """Return the signing key. The error message does not contain the secret."""
    try:
        key = b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        message = f"a secret is {_KEY_PREFIX} followed by base64, as issued for the endpoint"
        raise InvalidArgument.of("secrets", message)
    return key


def _read_headers(headers: Mapping[str, str]) -> tuple[str, str, Sequence[bytes]]:
    """Return the id, the time and the signatures of the scheme's first version, the only known one."""
    found = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER) if not found.get(name)]
    if missing:
        raise WrongSignatureError(f"the request has no {', '.join(missing)}, so it is not a signed delivery")
    # Bytes, because the comparison accepts only ASCII text.
    words = found[SIGNATURE_HEADER].encode("utf-8", "replace").split()
    version = _SIGNATURE_PREFIX.encode()
    return (
        found[ID_HEADER],
        found[TIMESTAMP_HEADER],
        [word[len(version) :] for word in words if word.startswith(version)],
    )


def _check_timestamp(sent_at: str, now_s: float, tolerance_s: float) -> None:
    if not _SECONDS.fullmatch(sent_at):
        raise WrongSignatureError(f"{TIMESTAMP_HEADER} must be seconds since 1970")
    ahead_s = int(sent_at) - now_s
    if abs(ahead_s) > tolerance_s:
        off = f"{abs(ahead_s):.0f} s {'ahead' if ahead_s > 0 else 'ago'}, more than {tolerance_s:g} s"
        raise WrongSignatureError(f"{TIMESTAMP_HEADER} is {off}: a replayed delivery or a wrong clock")


def _is_signed(content: bytes, keys: Iterable[bytes], signatures: Sequence[bytes]) -> bool:
    """Compare every pair in constant time, so that the duration does not reveal a match."""
    expected = [b64encode(hmac.digest(key, content, "sha256")) for key in keys]
    fits = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in signatures]
    return any(fits)
