"""Codec between a request and its dead letter."""

from hashlib import sha256
from typing import Final

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.providers.callback import Callback
from calltally.store.tenants.dead_letters import DeadLetter, NewDeadLetter

MAX_REASON_CHARS: Final = 1_000
# Credentials must not be stored with failed requests.
_DROPPED_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-admin-key"})

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Callback)


def write_letter(provider: str, callback: Callback, reason: str) -> NewDeadLetter:
    """Return the dead letter of an authentic request. The same request always gets the same id."""
    headers = {name: value for name, value in callback.headers.items() if name not in _DROPPED_HEADERS}
    request = _encoder.encode(msgspec.structs.replace(callback, headers=headers, mapping=""))
    return NewDeadLetter(
        _id(provider, callback), provider, callback.received_us, plain_reason(reason), request
    )


def _id(provider: str, callback: Callback) -> bytes:
    fields = (provider, callback.method, callback.url, callback.headers.get("content-type", ""))
    framed = b"".join(b"%d:%b" % (len(field), field) for field in map(str.encode, fields))
    return sha256(framed + callback.body).digest()[:16]


def plain_reason(reason: str) -> str:
    """Return the reason with all characters escaped that a database refuses: it may quote the request."""
    escaped = reason.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return escaped[:MAX_REASON_CHARS]


def read_letter(letter: DeadLetter) -> Callback:
    """Return the original request. Raises DamagedStore."""
    try:
        return _decoder.decode(letter.request)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedStore(f"the request of dead letter {letter.letter_id.hex()} cannot be read") from fault
