"""Both sides of a reconciliation with a provider, joined by call SID in bounded memory."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Fact, StatedFields
from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, parse_instant
from calltally.external_sort import ExternalSorter
from calltally.store.db.fact_codec import body_codec, pack_fact, unpack_fact

_OURS: Final = b"\0o"
_THEIRS: Final = b"\0t"
_MARK: Final = len(_OURS)


class OurCall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Call in the ledger. `created_us` is microseconds UTC; an unknown duration is None."""

    call_sid: str
    id: str
    status: str
    duration_seconds: int | None
    created_us: int
    provider: str | None = None
    account: str | None = None
    session_id: str | None = None


class TheirCall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Call in the provider's list. Times are microseconds UTC, None if the list does not state them.

    `content`, `raw` and `conversation` are the listing's fact in the ledger's encoding, if healing may need
    it.
    """

    call_sid: str
    status: str
    duration_seconds: int | None
    started_us: int
    ended_us: int | None
    received_us: int
    content: bytes | None = None
    raw: bytes = b""
    conversation: bytes = b""

    def fact(self) -> Fact | None:
        """Return the listing as a fact for the ledger; None if it was not stored."""
        if self.content is None:
            return None
        fact = unpack_fact(self.content, self.received_us, body_codec.decompress(self.raw))
        return msgspec.structs.replace(fact, conversation=body_codec.decompress(self.conversation))


class CallPair(NamedTuple):
    """Both sides of one SID; None for a side without it."""

    call_sid: str
    ours: OurCall | None
    theirs: TheirCall | None


class _Record(msgspec.Struct, gc=False):
    id: str
    call_sid: str | None = None
    status: str | None = None
    duration_seconds: int | None = None
    created_at: str | None = None
    provider: str | None = None
    provider_account: str | None = None
    session_id: str | None = None
    erased: bool = False


_record: Final = msgspec.json.Decoder(_Record)
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack_ours: Final = msgspec.msgpack.Decoder(OurCall).decode
_unpack_theirs: Final = msgspec.msgpack.Decoder(TheirCall).decode


def our_calls(records: bytes) -> Iterator[OurCall]:
    """Yield the calls of finished records joined by line feeds, except erased calls."""
    try:
        listed = _record.decode_lines(records)
    except msgspec.DecodeError as fault:
        message = f"a stored call cannot be read ({fault}); find it with `calltally verify`"
        raise DamagedStore(message) from fault
    for record in listed:
        if record.call_sid and record.status and record.created_at and not record.erased:
            yield OurCall(
                record.call_sid,
                record.id,
                record.status,
                record.duration_seconds,
                parse_instant(record.created_at),
                record.provider,
                record.provider_account,
                record.session_id,
            )


def their_call(fact: Fact, *, with_fact: bool = False) -> TheirCall:
    """Return the call of an entry in a provider's list.

    `with_fact` keeps the fact, so that it can be recorded later. An entry without a status proves only that
    the call exists: its status is then `queued`, as in the ledger.
    """
    fields = fact.stated
    known_us = (fields.get("answered_us"), fields.get("ended_us"), fact.occurred_us)
    return TheirCall(
        fact.call_sid,
        fields.get("status", Status.QUEUED),
        talk_seconds_of(fields),
        # Without a stated start, the earliest known time.
        fields.get("started_us", min(each for each in known_us if each is not None)),
        fields.get("ended_us"),
        fact.received_us,
        pack_fact(fact) if with_fact else None,
        body_codec.compress(fact.raw) if with_fact else b"",
        body_codec.compress(fact.conversation) if with_fact else b"",
    )


def talk_seconds_of(fields: StatedFields) -> int | None:
    """Return the talk time of a listing in whole seconds: as stated, or from its answer to its end."""
    if "talk_seconds" in fields:
        return int(fields["talk_seconds"])
    if fields.get("status") == Status.COMPLETED and "answered_us" in fields and "ended_us" in fields:
        return max(0, fields["ended_us"] - fields["answered_us"]) // SECOND_US
    return None


class Sides:
    """All calls of both sides. Calls that do not fit into memory are on disk until the sorter is closed."""

    def __init__(self, sorter: ExternalSorter) -> None:
        self._sorter = sorter
        self.ours = 0
        self.theirs = 0

    def add_ours(self, call: OurCall, reference: str) -> None:
        """Add one of our calls under the id that the provider's list may use."""
        self.ours += 1
        self._sorter.add(reference.encode() + _OURS, _pack(call))

    def add_theirs(self, call: TheirCall) -> None:
        """Add one of the provider's calls. If a call is listed twice, the later entry counts."""
        self.theirs += 1
        self._sorter.add(call.call_sid.encode() + _THEIRS, _pack(call))

    def pairs(self) -> Iterator[CallPair]:
        """Yield each SID once, in the order of their bytes."""
        for sid, group in groupby(self._sorter.sorted(), lambda pair: pair[0][:-_MARK]):
            fields = {key[-_MARK:]: value for key, value in group}
            ours, theirs = fields.get(_OURS), fields.get(_THEIRS)
            yield CallPair(
                sid.decode(),
                None if ours is None else _unpack_ours(ours),
                None if theirs is None else _unpack_theirs(theirs),
            )
