"""A request as a dead letter keeps it, and back."""

from hashlib import sha256
from typing import Final

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.providers.callback import Callback
from calltally.store.tenants.dead_letters import DeadLetter, NewLetter

MAX_REASON_CHARS: Final = 1_000
# What lets somebody in must not lie in a table of requests that went wrong.
_NOT_KEPT: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-admin-key"})

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Callback)


def write_letter(provider: str, callback: Callback, reason: str) -> NewLetter:
    """The letter of a genuine request; the same request again has the same id, whenever it comes."""
    headers = {name: value for name, value in callback.headers.items() if name not in _NOT_KEPT}
    request = _encoder.encode(msgspec.structs.replace(callback, headers=headers, mapping=""))
    return NewLetter(_id(provider, callback), provider, callback.received_us, plain_reason(reason), request)


def _id(provider: str, callback: Callback) -> bytes:
    parts = (provider, callback.method, callback.url, callback.headers.get("content-type", ""))
    framed = b"".join(b"%d:%b" % (len(part), part) for part in map(str.encode, parts))
    return sha256(framed + callback.body).digest()[:16]


def plain_reason(reason: str) -> str:
    """A reason that any database can keep: it may quote what no database takes."""
    escaped = reason.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return escaped[:MAX_REASON_CHARS]


def read_letter(letter: DeadLetter) -> Callback:
    """The request as it came. Raises DamagedStore."""
    try:
        return _decoder.decode(letter.request)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedStore(f"the request of dead letter {letter.letter_id.hex()} cannot be read") from fault
