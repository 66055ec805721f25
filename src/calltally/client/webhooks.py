"""Check what the service delivers: the Standard Webhooks scheme, with nothing but the standard library.

Check the body as it came, byte for byte, before anything has parsed it. A delivery may come more than once,
under the same `webhook-id` and under others: `calltally.client.once` runs what you do with it once.
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.client.errors import UnexpectedAnswer, WrongSignature

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
TOLERANCE_S: Final = 300
_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class CallEnded(msgspec.Struct, frozen=True):
    """`data` of a `voice.call.completed`, which comes for every final state. None where it is not known.

    `revision` tells states of one call apart: a later one has a higher one.
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
    """One event as it is delivered. `data` is as its kind, `event`, has it; `created_at` is RFC 3339."""

    id: str
    event: str
    created_at: str
    data: dict[str, Any]
    tenant_id: str | None = None
    api_version: str | None = None

    def call_ended(self) -> CallEnded:
        """`data` of a `voice.call.completed`; raises UnexpectedAnswer where it is not of that form."""
        try:
            return msgspec.convert(self.data, CallEnded)
        except msgspec.ValidationError as fault:
            raise UnexpectedAnswer(f"data of {self.event} is not that of a call: {fault}") from fault


_envelope: Final = msgspec.json.Decoder(Envelope)


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: str | Iterable[str],
    now_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> Envelope:
    """The event in a delivery, once its signature is found good.

    `secrets` are those of the endpoint: one, or during a rotation the old and the new. `now_s` is the time
    now, in seconds since 1970. Raises WrongSignature, on which the delivery is to be refused (401) and not
    acted on; UnexpectedAnswer for a body that is genuine and no event; InvalidInput for a secret that is
    none.
    """
    verify_signature(body, headers, secrets=secrets, now_s=now_s, tolerance_s=tolerance_s)
    try:
        return _envelope.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise UnexpectedAnswer(f"the body is signed, and is no event: {fault}") from fault


def verify_signature(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: str | Iterable[str],
    now_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> str:
    """The `webhook-id` of a delivery, once its signature is found good, whatever its body is.

    Raises WrongSignature, and InvalidInput for a secret that is none.
    """
    keys = _keys_of(secrets)
    message_id, sent_at, signatures = _signed_by(headers)
    _check_age(sent_at, now_s, tolerance_s)
    content = b"%b.%b.%b" % (message_id.encode(), sent_at.encode(), body)
    if not _is_signed(content, keys, signatures):
        raise WrongSignature(f"{SIGNATURE} is not of this body and any of the secrets")
    return message_id


def _keys_of(secrets: str | Iterable[str]) -> Sequence[bytes]:
    keys = [_key_of(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise InvalidInput.of("secrets", "name at least one secret of the endpoint")
    return keys


def _key_of(secret: str) -> bytes:
    """What is signed with. The message does not quote the secret."""
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise InvalidInput.of("secrets", f"a secret is {_PREFIX} and base64, as the endpoint was given it")
    return key


def _signed_by(headers: Mapping[str, str]) -> tuple[str, str, Sequence[bytes]]:
    """The id, the time and the signatures of the scheme's first version; of others nothing is known."""
    found = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not found.get(name)]
    if missing:
        raise WrongSignature(f"{', '.join(missing)} is missing: it is not signed as a delivery is")
    # Bytes, for the comparison takes no text beyond ASCII.
    words = found[SIGNATURE].encode("utf-8", "replace").split()
    version = _VERSION.encode()
    return found[ID], found[TIMESTAMP], [word[len(version) :] for word in words if word.startswith(version)]


def _check_age(sent_at: str, now_s: float, tolerance_s: float) -> None:
    if not _SECONDS.fullmatch(sent_at):
        raise WrongSignature(f"{TIMESTAMP} must be seconds since 1970")
    ahead_s = int(sent_at) - now_s
    if abs(ahead_s) > tolerance_s:
        off = f"{abs(ahead_s):.0f} s {'ahead' if ahead_s > 0 else 'ago'}, more than {tolerance_s:g} s"
        raise WrongSignature(f"{TIMESTAMP} is {off}: it is replayed, or a clock is wrong")


def _is_signed(content: bytes, keys: Iterable[bytes], signatures: Sequence[bytes]) -> bool:
    """Every pair is compared, each in constant time, so that the time tells nothing of which one fits."""
    expected = [b64encode(hmac.digest(key, content, "sha256")) for key in keys]
    fits = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in signatures]
    return any(fits)
