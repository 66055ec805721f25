"""Public record of one call: its vocabulary, the order of its fields, and its bytes."""

from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.times import utc_text


class Status(StrEnum):
    """States of a call (Twilio's call states). The first four are open, the rest final."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"


class Direction(StrEnum):
    """Direction from the tenant's view: `inbound` calls come to it, `outbound` calls leave it."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


STATUSES: Final = tuple(Status)
OPEN: Final = frozenset(STATUSES[:4])
FINAL: Final = frozenset(STATUSES[4:])
UNANSWERED: Final = FINAL - {Status.COMPLETED}
DIRECTIONS: Final = tuple(Direction)
STATUS_NUMBER: Final[dict[str | None, int]] = {status: number for number, status in enumerate(STATUSES)}
# Stored as a small number; 0 means that no fact states the direction yet.
DIRECTION_NUMBER: Final[dict[str | None, int]] = {None: 0, Direction.INBOUND: 1, Direction.OUTBOUND: 2}


class Escalation(msgspec.Struct):
    """Request that a person takes over the call: its target, its initiator and its reason."""

    target: str | None = None
    initiated_by: str | None = None
    reason: str | None = None


class Transfer(msgspec.Struct):
    """Transfer to a person: its target and its outcome (requested, bridged or failed)."""

    target: str | None = None
    outcome: str | None = None


class Cost(msgspec.Struct):
    """Amount of money as the provider wrote it: a decimal string and an ISO 4217 code."""

    amount: str
    currency: str | None = None


class Call(msgspec.Struct, frozen=True):
    """Call as the list returns it, its fields in the order of contract section 1.

    The last two (`revision`, `updated_at`) are missing: the ledger adds them, the fold does not know them.
    """

    id: str
    call_sid: str
    direction: str | None
    status: str
    duration_seconds: int | None
    escalated: bool
    summary: str | None
    created_at: str
    answered_at: str | None
    ended_at: str | None
    ring_seconds: int | None
    from_number: str | None
    to_number: str | None
    route: str | None
    agent: str | None
    provider: str | None
    provider_account: str | None
    end_reason: str | None
    hangup_cause: int | None
    sip_code: int | None
    error_code: str | None
    answered_by: str | None
    escalation: dict[str, Any] | None
    transfer: dict[str, Any] | None
    session_id: str | None
    recording_url: str | None
    cost: dict[str, Any] | None
    parent_call_sid: str | None
    tags: list[str]
    metadata: dict[str, Any] | None
    conflicts: int


CALL_FIELDS: Final = (*Call.__struct_fields__, "revision", "updated_at")

_encoder: Final = msgspec.json.Encoder()
_TAIL: Final = b',"revision":'


def encode_body(call: Call) -> bytes:
    """Return the call's JSON object without its closing part. Equal bytes mean equal calls."""
    return _encoder.encode(call)[:-1]


def finish_record(body: bytes, revision: int, updated_us: int) -> bytes:
    """Return the complete public JSON object: the body with `revision` and `updated_at` added."""
    return b"%b%b%d%b" % (body, _TAIL, revision, _updated(updated_us))


# All records of a commit have the same time.
@lru_cache(maxsize=64)
def _updated(updated_us: int) -> bytes:
    return b',"updated_at":"%b"}' % utc_text(updated_us).encode()


_documents: Final = msgspec.json.Decoder(list[msgspec.Raw])
_MOST_BYTES_DECODED: Final = 100_000
DAMAGED: Final = "stored data cannot be decoded; run `calltally verify`, and restore the data from a backup"


def check_documents(joined: bytes) -> bytes:
    """Return stored JSON documents, joined by commas. Raises DamagedStore if they are damaged.

    A check of the structure takes 0.5 us a record, as long as the rest of a page of 1,000. So longer texts
    are only searched for zeros and for bytes that are no text, as damaged blocks of a disk have them.
    """
    try:
        joined.decode()
        if len(joined) <= _MOST_BYTES_DECODED:
            _documents.decode(b"[%b]" % joined)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedStore(DAMAGED) from fault
    if b"\0" in joined:
        raise DamagedStore(DAMAGED)
    return joined


def record_body(record: bytes) -> bytes:
    """Return the body of a finished record. Two versions of a call are compared by their bodies."""
    return record[: record.rindex(_TAIL)]
