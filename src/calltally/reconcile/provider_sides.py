"""Both sides of a reconciliation against a provider, brought together by call SID in bounded memory."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Fact, Said
from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, parse_instant
from calltally.external_sort import Spill
from calltally.store.db.fact_codec import bodies, pack_fact, unpack_fact

_OURS: Final = b"\0o"
_THEIRS: Final = b"\0t"
_MARK: Final = len(_OURS)


class OurCall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call as the ledger has it. `created_us` is microseconds UTC; the duration is None where not known."""

    call_sid: str
    id: str
    status: str
    duration_seconds: int | None
    created_us: int
    provider: str | None = None
    account: str | None = None
    session_id: str | None = None


class TheirCall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call as the provider lists it. Times are microseconds UTC, None where it states none.

    `content`, `raw` and `conversation` are the fact that its listing is, packed as the ledger does, where
    it may be wanted.
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
        """The listing as a fact for the ledger; None where it was not kept."""
        if self.content is None:
            return None
        fact = unpack_fact(self.content, self.received_us, bodies.decompress(self.raw))
        return msgspec.structs.replace(fact, conversation=bodies.decompress(self.conversation))


class Pair(NamedTuple):
    """What both sides say of one SID; None for a side that does not have it."""

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
    """The calls of sealed records that are joined by line feeds; an erased one is nobody's any more."""
    try:
        listed = _record.decode_lines(records)
    except msgspec.DecodeError as fault:
        message = f"a stored record is no call: {fault}; run `calltally verify`"
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


def their_call(fact: Fact, *, keep: bool = False) -> TheirCall:
    """The call that a listing is of; with `keep` it can be brought into the ledger later.

    A listing without a status says that there is a call, as the ledger's fold has it: `queued`.
    """
    said = fact.said
    return TheirCall(
        fact.call_sid,
        said.get("status", Status.QUEUED),
        talk_of(said),
        said.get("started_us", _earliest(fact)),
        said.get("ended_us"),
        fact.received_us,
        pack_fact(fact) if keep else None,
        bodies.compress(fact.raw) if keep else b"",
        bodies.compress(fact.conversation) if keep else b"",
    )


def _earliest(fact: Fact) -> int:
    """When a call was there already, of a listing that does not say when it began."""
    told_us = (fact.said.get("answered_us"), fact.said.get("ended_us"), fact.occurred_us)
    return min(each for each in told_us if each is not None)


def talk_of(said: Said) -> int | None:
    """The talk that a listing states, in whole seconds: outright, or by its answer and its end."""
    if "talk_seconds" in said:
        return int(said["talk_seconds"])
    if said.get("status") == Status.COMPLETED and "answered_us" in said and "ended_us" in said:
        return max(0, said["ended_us"] - said["answered_us"]) // SECOND_US
    return None


class Sides:
    """All calls of both sides. What does not fit into memory lies on the disk until the spill is left."""

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self.ours = 0
        self.theirs = 0

    def add_ours(self, call: OurCall, reference: str) -> None:
        """Take one of our calls, under the id by which the provider may list it."""
        self.ours += 1
        self._spill.add(reference.encode() + _OURS, _pack(call))

    def add_theirs(self, call: TheirCall) -> None:
        """Take one of the provider's. Of one that it lists twice the later word counts."""
        self.theirs += 1
        self._spill.add(call.call_sid.encode() + _THEIRS, _pack(call))

    def pairs(self) -> Iterator[Pair]:
        """Each SID once, in the order of their bytes."""
        for sid, group in groupby(self._spill.sorted(), lambda pair: pair[0][:-_MARK]):
            said = {key[-_MARK:]: value for key, value in group}
            ours, theirs = said.get(_OURS), said.get(_THEIRS)
            yield Pair(
                sid.decode(),
                None if ours is None else _unpack_ours(ours),
                None if theirs is None else _unpack_theirs(theirs),
            )
