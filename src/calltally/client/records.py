"""Typed records of a server's responses. Unknown fields are ignored."""

from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from calltally.calls.model import FINAL, Cost, Escalation, Transfer
from calltally.client.literals import CallDirection, CallStatus
from calltally.client.times import parse_optional_time

T = TypeVar("T")


class CallRecord(msgspec.Struct, frozen=True):
    """One call. Every server sends the first seven fields; the others are None if it does not.

    Times are RFC 3339 text in UTC; `created_time` and its like are the same as datetimes. A call that was
    erased after the snapshot of its page has only `id`, `created_at` and `erased`; all other fields are None.
    """

    id: str
    call_sid: str | None
    direction: CallDirection | None
    status: CallStatus | None
    duration_seconds: int | None
    escalated: bool | None
    summary: str | None
    created_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None
    ring_seconds: int | None = None
    from_number: str | None = None
    to_number: str | None = None
    route: str | None = None
    agent: str | None = None
    provider: str | None = None
    provider_account: str | None = None
    end_reason: str | None = None
    hangup_cause: int | None = None
    sip_code: int | None = None
    error_code: str | None = None
    answered_by: str | None = None
    escalation: Escalation | None = None
    transfer: Transfer | None = None
    session_id: str | None = None
    recording_url: str | None = None
    cost: Cost | None = None
    parent_call_sid: str | None = None
    tags: tuple[str, ...] | None = None
    metadata: dict[str, Any] | None = None
    conflicts: int | None = None
    revision: int | None = None
    updated_at: str | None = None
    erased: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def created_time(self) -> datetime | None:
        return parse_optional_time(self.created_at)

    @property
    def answered_time(self) -> datetime | None:
        return parse_optional_time(self.answered_at)

    @property
    def ended_time(self) -> datetime | None:
        return parse_optional_time(self.ended_at)

    @property
    def updated_time(self) -> datetime | None:
        return parse_optional_time(self.updated_at)


class CallEvent(msgspec.Struct, frozen=True):
    """One fact of a call: its source, its content and its outcome.

    `raw` is the original body, for keys that may read it, and `raw_encoding` its encoding.
    """

    occurred_at: str
    received_at: str
    outcome: str
    said: dict[str, Any]
    call_sid: str | None = None
    door: str | None = None
    provider: str | None = None
    account: str | None = None
    event_id: str | None = None
    sequence: int | None = None
    reason: str | None = None
    repeats: int = 0
    raw: str | None = None
    raw_encoding: str | None = None


class CallDetail(CallRecord, frozen=True):
    """One call with its timeline, its session and its deliveries."""

    events: tuple[CallEvent, ...] = ()
    session: dict[str, Any] | None = None
    deliveries: tuple[dict[str, Any], ...] = ()


class Tombstone(msgspec.Struct, frozen=True):
    """Id that was `merged` into another call, `erased`, or `expired`. Delete your copy of it."""

    id: str
    tombstone: str
    merged_into: str | None = None
    revision: int | None = None
    updated_at: str | None = None


Change: TypeAlias = CallRecord | Tombstone


class Page(msgspec.Struct, Generic[T], frozen=True, rename={"links": "Link"}):
    """Page of a list. Without them on the server, `total` and `snapshot` are None and `links` is empty.

    `links` are the targets of the Link header by relation.
    """

    data: tuple[T, ...]
    limit: int
    offset: int
    total: int | None = None
    snapshot: str | None = None
    links: dict[str, str] = {}


CallPage: TypeAlias = Page[CallRecord]
EventPage: TypeAlias = Page[CallEvent]


class ChangePage(msgspec.Struct, frozen=True):
    """Page of the change feed, in the order of its revisions.

    Send `next` as `after` to continue. If `has_more` is False, a copy with all changes applied equals the
    source at `revision`. No further changes are expected of calls created before `watermark`.
    """

    data: tuple[Change, ...]
    next: str
    has_more: bool
    revision: int
    watermark: str | None = None
