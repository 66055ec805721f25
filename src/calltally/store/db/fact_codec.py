"""How facts lie in the database: a small msgpack row for the fold, the raw body compressed beside it.

The fold reads the row of each earlier fact of a call whenever a new one comes, so the row is kept
plain and short: names are numbers, hexadecimal SIDs are their bytes, and what the key says already
is not said twice. Raw bodies are read by people, seldom, and so take a shared zstd dictionary.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Fact, StatedFields
from calltally.calls.identity import Node
from calltally.store.db.compression import ZstdCodec

# Append only: the number of a name is its place here, and stored rows speak in numbers.
_NAMES: Final = (
    *("status", "direction", "from_number", "to_number", "route", "agent", "mapped_route", "mapped_agent"),
    *("session_id", "parent_call_sid", "provider", "provider_account", "started_us", "ringing_us"),
    *("answered_us", "ended_us", "talk_seconds", "escalated", "escalation", "transfer", "summary"),
    *("end_reason", "hangup_cause", "sip_code", "error_code", "answered_by", "recording_url", "cost"),
    *("tags", "metadata", "leg"),
)
_NUMBERS: Final = {name: number for number, name in enumerate(_NAMES)}
# Append only as well. They stand behind all else, where a release that does not know them passes them over.
_LATER_NAMES: Final = ("end_word", "end_side", "platform_agent", "session")
_LATER: Final = {name: number for number, name in enumerate(_LATER_NAMES)}
_HEX_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}", re.ASCII)
_SAME: Final = 0
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder()
_DICTIONARY: Final = Path(__file__).parents[1] / "dictionaries" / "bodies-1.zdict"
body_codec: Final = ZstdCodec(_DICTIONARY.read_bytes())


class PackedFact(NamedTuple):
    """What of a fact's row is known without its call: to make it takes a tenth of what a fact costs."""

    key: bytes
    content: bytes
    raw: bytes
    conversation: bytes | None


def pack(fact: Fact, key: bytes) -> PackedFact:
    """That of a fact with this key."""
    said = body_codec.compress(fact.conversation) if fact.conversation else None
    return PackedFact(key, pack_fact(fact), body_codec.compress(fact.raw), said)


def pack_fact(fact: Fact) -> bytes:
    """The row of a fact, without its raw body and its time of receipt, which have columns."""
    said, later = _pack_said(fact)
    row: list[Any] = [
        _pack_sid(fact.call_sid),
        int(fact.channel),
        fact.provider,
        _pack_account(fact.account),
        fact.event_id,
        fact.sequence,
        fact.occurred_us,
        fact.digest,
        said,
    ]
    if fact.is_carrier or fact.links or later:
        row.append(fact.is_carrier)
    if fact.links or later:
        row.append(fact.links)
    if later:
        row.append(later)
    return _encoder.encode(row)


def unpack_fact(content: bytes, received_us: int, raw: bytes = b"") -> Fact:
    """The fact that `pack_fact` wrote; raises DamagedStore for bytes that it cannot have written."""
    try:
        return _unpack(_decoder.decode(content), received_us, raw)
    except (msgspec.DecodeError, ValueError, TypeError, LookupError, AttributeError) as fault:
        message = (
            "a stored fact cannot be read; run `calltally verify` to see which, and restore it from a backup"
        )
        raise DamagedStore(message) from fault


def _unpack(row: list[Any], received_us: int, raw: bytes) -> Fact:
    sid, channel, provider, account, event_id, sequence, occurred_us, digest, said, *rest = row
    account = _unpack_sid(account)
    later = rest[2] if len(rest) > 2 else {}  # noqa: PLR2004 (the third of what may be behind)
    return Fact(
        *(_unpack_sid(sid), channel, provider, account, event_id, sequence, occurred_us, received_us, digest),
        _unpack_said(said, provider, account, later),
        raw,
        bool(rest and rest[0]),
        tuple(Node(*link) for link in rest[1]) if len(rest) > 1 else (),
    )


def _pack_said(fact: Fact) -> tuple[dict[int, Any], dict[int, Any]]:
    """What it says by numbers for names, and apart from that what releases before may not know."""
    said: dict[int, Any] = {}
    later: dict[int, Any] = {}
    for name, value in fact.stated.items():
        number = _NUMBERS.get(name)
        if number is None:
            later[_LATER[name]] = value
        else:
            said[number] = value
    if said.get(_PROVIDER) == fact.provider:
        said[_PROVIDER] = _SAME
    if said.get(_ACCOUNT) == fact.account:
        said[_ACCOUNT] = _SAME
    return said, later


def _unpack_said(said: dict[int, Any], provider: str, account: str, later: dict[int, Any]) -> StatedFields:
    if said.get(_PROVIDER) == _SAME:
        said[_PROVIDER] = provider
    if said.get(_ACCOUNT) == _SAME:
        said[_ACCOUNT] = account
    named = {_NAMES[number]: value for number, value in said.items()}
    return cast(StatedFields, named | {_LATER_NAMES[number]: value for number, value in later.items()})


_PROVIDER: Final = _NUMBERS["provider"]
_ACCOUNT: Final = _NUMBERS["provider_account"]


def _pack_sid(sid: str) -> str | bytes:
    return sid[:2].encode() + bytes.fromhex(sid[2:]) if _HEX_SID.fullmatch(sid) else sid


# Accounts are few.
_pack_account: Final = lru_cache(maxsize=1_024)(_pack_sid)


def _unpack_sid(pack: str | bytes) -> str:
    return pack if isinstance(pack, str) else pack[:2].decode() + pack[2:].hex()
