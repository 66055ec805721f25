"""Facts: the values that one source states about a call at one time, and the key that tells facts apart."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, TypedDict

import msgspec

from calltally.calls.identity import Node
from calltally.calls.model import FINAL


class Channel(IntEnum):
    """Channel by which a fact came in. Stored as the number; never renumber."""

    OWN_EVENT = 1
    CALLBACK = 2
    IMPORT = 3
    PROVIDER_LIST = 4


CHANNEL_NAMES: Final = {
    Channel.OWN_EVENT: "own_event",
    Channel.CALLBACK: "callback",
    Channel.IMPORT: "import",
    Channel.PROVIDER_LIST: "provider_list",
}


class IngestOutcome(StrEnum):
    """Outcome of one item that a sender submitted."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    REFUSED = "refused"
    DEAD_LETTER = "dead_letter"


class StatedFields(TypedDict, total=False):
    """Fields that one fact states. A missing key states nothing; values are never None.

    Times are microseconds UTC. `leg` names the part of the call that the fact is about. Some sources write a
    record per leg (a switch that tries one agent after another); different legs do not contradict each other.
    `mapped_route` and `mapped_agent` come from the tenant's table of numbers at the time of receipt. A stated
    `route` or `agent` outranks them. `platform_agent` is a platform's own id of its agent and ranks last.
    `end_reason` is a word of `calls.end_reasons` or one of the sender's; a platform states its own word in
    `end_word`. `session` holds the fields of `calls.sessions` about the session that `session_id` names.
    `hung_up_by` is the end of the line that closed an answered call, a word of `calls.line_ends`.
    `report_stage` is the stage of a report that its source sends again as it learns more. Only the reports of
    the highest stage count.
    `unread_fields` names the source's fields whose values could not be read; the record does not use it.
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
    unread_fields: list[str]
    hung_up_by: str
    report_stage: int


UNREAD: Final = "unread_fields"


class FactSource(IntEnum):
    """Source of a fact. The fold's precedence tables rank sources field by field."""

    OWN = 1
    PLATFORM = 2
    CARRIER = 3


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """One accepted statement about one SID.

    `digest` covers the content as the sender meant it: neither its white space nor any field added on
    receipt. `raw` is the body as received. `conversation` is the packed transcript and function calls (see
    `calls.sessions`). The fold reads neither of the two. Missing parts of the key are '', never None.
    """

    call_sid: str
    channel: int
    provider: str
    account: str
    event_id: str
    sequence: int | None
    occurred_us: int
    received_us: int
    digest: bytes
    stated: StatedFields
    raw: bytes = b""
    is_carrier: bool = False
    links: tuple[Node, ...] = ()
    conversation: bytes = b""

    @property
    def source(self) -> FactSource:
        """Return the source. A fact by a provider's channel that no carrier sent is a platform's."""
        if self.channel == Channel.OWN_EVENT:
            return FactSource.OWN
        return FactSource.CARRIER if self.is_carrier else FactSource.PLATFORM

    @property
    def key(self) -> bytes:
        """Return the unique key that tells this fact from every other of its call and detects repeats."""
        sender = _framed_sender(self.channel, self.provider, self.account)
        return sha256(sender + _framed(self.event_id) + self.digest).digest()[:16]

    @property
    def order(self) -> tuple[Any, ...]:
        """Return the sort key of the total order of facts; the later of two facts wins.

        The parts are compared one by one. The rule "by sequence if both have one, else by time" would be
        cyclic. The last parts are the rest of the fact's key. Without them two different facts could be
        equal, and the order of arrival would change the record.
        """
        has_sequence = self.sequence is not None
        return (
            *(_rank(self), has_sequence, self.sequence or 0),
            *(self.occurred_us, self.digest, self.event_id, self.account),
            *(self.provider, self.channel, self.call_sid),
        )


# There are few senders. Framed again for each fact, they would cost more than the hash.
@lru_cache(maxsize=1_024)
def _framed_sender(channel: int, provider: str, account: str) -> bytes:
    return b"".join(map(_framed, (str(int(channel)), provider, account)))


def _framed(part: str) -> bytes:
    encoded = part.encode()
    return b"%d:%b" % (len(encoded), encoded)


def _rank(fact: Fact) -> int:
    """Rank carriers above others, and a carrier's list above its callbacks.

    A list without a final state ranks lowest: an old list must not reopen a call.
    """
    is_listed = fact.channel in _LISTS
    if is_listed and fact.stated.get("status") not in FINAL:
        return 0
    if fact.source is FactSource.OWN:
        return 1
    return (4 if fact.is_carrier else 2) + is_listed


_LISTS: Final = frozenset({Channel.IMPORT, Channel.PROVIDER_LIST})
_canonical: Final = msgspec.json.Encoder(order="sorted")


def content_digest(content: Mapping[str, Any] | list[Any] | bytes) -> bytes:
    """Return the SHA-256 (16 bytes) of a body, or of a parsed body regardless of the order of its keys."""
    data = content if isinstance(content, bytes) else _canonical.encode(content)
    return sha256(data).digest()[:16]
