"""Facts: what was said about a call, by whom, when, and how two tellings are told apart."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, TypedDict

import msgspec

from calltally.calls.identity import Node
from calltally.calls.model import FINAL


class Door(IntEnum):
    """How a fact came in. Stored as the number; never renumber."""

    OWN_EVENT = 1
    CALLBACK = 2
    IMPORT = 3
    PROVIDER_LIST = 4


DOOR_NAMES: Final = {
    Door.OWN_EVENT: "own_event",
    Door.CALLBACK: "callback",
    Door.IMPORT: "import",
    Door.PROVIDER_LIST: "provider_list",
}


class Outcome(StrEnum):
    """What became of something that was sent."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    REFUSED = "refused"
    DEAD_LETTER = "dead_letter"


class Said(TypedDict, total=False):
    """What one fact says. A key that is absent says nothing; values are never None.

    Times are microseconds UTC. `leg` is the part of the call that this is about, for tellers that write a
    record for each (a switch that tries one agent after another): legs differ without contradicting each
    other. `mapped_route` and `mapped_agent` come from the tenant's table of numbers at the moment of receipt,
    and give way to a `route` or `agent` that somebody names; and `platform_agent`, a platform's own id of its
    agent, gives way to both. `end_reason` is a word of `calls.end_reasons` or one of the sender's; a platform
    says its own word in `end_word`. `session` is what `calls.sessions` makes of the session that
    `session_id` names.
    """

    status: str
    direction: str
    from_number: str
    to_number: str
    route: str
    agent: str
    mapped_route: str
    mapped_agent: str
    session_id: str
    parent_call_sid: str
    provider: str
    provider_account: str
    started_us: int
    ringing_us: int
    answered_us: int
    ended_us: int
    talk_seconds: float
    escalated: bool
    escalation: dict[str, Any]
    transfer: dict[str, Any]
    summary: str
    end_reason: str
    end_word: str
    end_side: str
    hangup_cause: int
    sip_code: int
    error_code: str
    answered_by: str
    recording_url: str
    cost: dict[str, Any]
    tags: list[str]
    metadata: dict[str, Any]
    leg: str
    platform_agent: str
    session: dict[str, Any]


class Teller(IntEnum):
    """Who tells: what each of them knows best has a field of its own in the fold's precedences."""

    OWN = 1
    PLATFORM = 2
    CARRIER = 3


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """One accepted telling about one SID.

    `digest` is of the content as the sender meant it (not of its white space, nor of what we
    added); `raw` is the body as it came, `conversation` what `calls.sessions` packs of a transcript and
    function calls: neither is read by the fold. Absent parts of the key are '', never None.
    """

    call_sid: str
    door: int
    provider: str
    account: str
    event_id: str
    sequence: int | None
    occurred_us: int
    received_us: int
    digest: bytes
    said: Said
    raw: bytes = b""
    is_carrier: bool = False
    links: tuple[Node, ...] = ()
    conversation: bytes = b""

    @property
    def teller(self) -> Teller:
        """Whose word it is. What comes by a door of providers and is no carrier's is a platform's."""
        if self.door == Door.OWN_EVENT:
            return Teller.OWN
        return Teller.CARRIER if self.is_carrier else Teller.PLATFORM

    @property
    def key(self) -> bytes:
        """Tells this fact from every other of its call: the unique key by which repeats are known."""
        sender = _framed_sender(self.door, self.provider, self.account)
        return sha256(sender + _framed(self.event_id) + self.digest).digest()[:16]

    @property
    def order(self) -> tuple[Any, ...]:
        """The place in the one total order of facts; of two that say something, the later wins.

        Compared field by field. "The sequence if both have one, else the time" would be cyclic. The end
        is the rest of the key: two different facts never stand level, or their order of arrival would show.
        """
        has_sequence = self.sequence is not None
        return (
            *(_rank(self), has_sequence, self.sequence or 0),
            *(self.occurred_us, self.digest, self.event_id, self.account),
            *(self.provider, self.door, self.call_sid),
        )


# Senders are few; told anew for each fact they would cost more than the hash.
@lru_cache(maxsize=1_024)
def _framed_sender(door: int, provider: str, account: str) -> bytes:
    return b"".join(map(_framed, (str(int(door)), provider, account)))


def _framed(part: str) -> bytes:
    encoded = part.encode()
    return b"%d:%b" % (len(encoded), encoded)


def _rank(fact: Fact) -> int:
    """A carrier knows its calls best, and its list better than its callbacks.

    But a list only with a final state: an old one must not reopen a call.
    """
    is_listed = fact.door in _LISTS
    if is_listed and fact.said.get("status") not in FINAL:
        return 0
    if fact.teller is Teller.OWN:
        return 1
    return (4 if fact.is_carrier else 2) + is_listed


_LISTS: Final = frozenset({Door.IMPORT, Door.PROVIDER_LIST})
_canonical: Final = msgspec.json.Encoder(order="sorted")


def content_digest(content: Mapping[str, Any] | list[Any] | bytes) -> bytes:
    """SHA-256 (16 bytes) of a body, or of a parsed one whatever the order of its keys."""
    data = content if isinstance(content, bytes) else _canonical.encode(content)
    return sha256(data).digest()[:16]
