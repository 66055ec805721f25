"""Storage format of facts: a small msgpack row for the fold, and the raw body, compressed, in its own column.

For each new fact the fold reads the rows of all earlier facts of its call, so the row is plain and short:
numbers replace names, hexadecimal SIDs are stored as bytes, and values of the key are not repeated. Raw
bodies are read rarely, so they are compressed with a shared zstd dictionary.
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

# Append only: the number of a name is its index here, and stored rows contain the numbers.
_NAMES: Final = (
    *("status", "direction", "from_number", "to_number", "route", "agent", "mapped_route", "mapped_agent"),
    *("session_id", "parent_call_sid", "provider", "provider_account", "started_us", "ringing_us"),
    *("answered_us", "ended_us", "talk_seconds", "escalated", "escalation", "transfer", "summary"),
    *("end_reason", "hangup_cause", "sip_code", "error_code", "answered_by", "recording_url", "cost"),
    *("tags", "metadata", "leg"),
)
_NUMBERS: Final = {name: number for number, name in enumerate(_NAMES)}
# Append only as well. They are the last element of a row, which releases that do not know them ignore.
_LATER_NAMES: Final = (
    *("end_word", "end_side", "platform_agent", "session", "unread_fields", "hung_up_by", "report_stage"),
)
_LATER: Final = {name: number for number, name in enumerate(_LATER_NAMES)}
_HEX_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}", re.ASCII)
_SAME: Final = 0
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder()
_DICTIONARY: Final = Path(__file__).parents[1] / "dictionaries" / "bodies-1.zdict"
body_codec: Final = ZstdCodec(_DICTIONARY.read_bytes())


class PackedFact(NamedTuple):
    """Columns of a fact's row that do not depend on its call. Packing takes a tenth of the cost of a fact."""

    key: bytes
    content: bytes
    raw: bytes
    conversation: bytes | None


def pack(fact: Fact, key: bytes) -> PackedFact:
    conversation = body_codec.compress(fact.conversation) if fact.conversation else None
    return PackedFact(key, pack_fact(fact), body_codec.compress(fact.raw), conversation)


def pack_fact(fact: Fact) -> bytes:
    """Return the row of a fact, without raw body and time of receipt, which have their own columns."""
    fields, later = _pack_fields(fact)
    source = (int(fact.channel), fact.provider, _pack_account(fact.account))
    event = (fact.event_id, fact.sequence, fact.occurred_us, fact.digest)
    row: list[Any] = [_pack_sid(fact.call_sid), *source, *event, fields]
    if fact.is_carrier or fact.links or later:
        row.append(fact.is_carrier)
    if fact.links or later:
        row.append(fact.links)
    if later:
        row.append(later)
    return _encoder.encode(row)


def unpack_fact(content: bytes, received_us: int, raw: bytes = b"") -> Fact:
    """Return the fact that `pack_fact` wrote. Raises DamagedStore for bytes that it cannot have written."""
    try:
        return _unpack(_decoder.decode(content), received_us, raw)
    except (msgspec.DecodeError, ValueError, TypeError, LookupError, AttributeError) as fault:
        message = (
            "a stored fact cannot be read; run `calltally verify` to see which, and restore it from a backup"
        )
        raise DamagedStore(message) from fault


def _unpack(row: list[Any], received_us: int, raw: bytes) -> Fact:
    sid, channel, provider, account, event_id, sequence, occurred_us, digest, fields, *rest = row
    account = _unpack_sid(account)
    later = rest[2] if len(rest) > 2 else {}  # noqa: PLR2004 (the third optional element)
    return Fact(
        *(_unpack_sid(sid), channel, provider, account, event_id, sequence, occurred_us, received_us, digest),
        _unpack_fields(fields, provider, account, later),
        raw,
        bool(rest and rest[0]),
        tuple(Node(*link) for link in rest[1]) if len(rest) > 1 else (),
    )


def _pack_fields(fact: Fact) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return the fields by number, and separately those that earlier releases do not know."""
    fields: dict[int, Any] = {}
    later: dict[int, Any] = {}
    for name, value in fact.stated.items():
        number = _NUMBERS.get(name)
        if number is None:
            later[_LATER[name]] = value
        else:
            fields[number] = value
    if fields.get(_PROVIDER) == fact.provider:
        fields[_PROVIDER] = _SAME
    if fields.get(_ACCOUNT) == fact.account:
        fields[_ACCOUNT] = _SAME
    return fields, later


def _unpack_fields(
    fields: dict[int, Any], provider: str, account: str, later: dict[int, Any]
) -> StatedFields:
    if fields.get(_PROVIDER) == _SAME:
        fields[_PROVIDER] = provider
    if fields.get(_ACCOUNT) == _SAME:
        fields[_ACCOUNT] = account
    named = {_NAMES[number]: value for number, value in fields.items()}
    return cast(StatedFields, named | {_LATER_NAMES[number]: value for number, value in later.items()})


_PROVIDER: Final = _NUMBERS["provider"]
_ACCOUNT: Final = _NUMBERS["provider_account"]


def _pack_sid(sid: str) -> str | bytes:
    return sid[:2].encode() + bytes.fromhex(sid[2:]) if _HEX_SID.fullmatch(sid) else sid


# A process sees few distinct accounts.
_pack_account: Final = lru_cache(maxsize=1_024)(_pack_sid)


def _unpack_sid(pack: str | bytes) -> str:
    return pack if isinstance(pack, str) else pack[:2].decode() + pack[2:].hex()
