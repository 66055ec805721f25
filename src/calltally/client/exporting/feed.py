"""The change feed as an exporter reads it: each change's own bytes, and whether it is of the window."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.calls.times import parse_instant
from calltally.client.errors import UnexpectedAnswer
from calltally.client.exporting.pages import Sender
from calltally.client.exporting.request import Plan
from calltally.client.wire import Request

CHANGES: Final = "/api/v1/changes"
# What can be told of a call from its record alone. Words and numbers are the server's to find.
TELLABLE: Final = frozenset({"status", "direction", "route", "provider", "agent", "escalated"})
_LIMIT: Final = "1000"
_WORDS: Final = {True: "true", False: "false"}


class Change(msgspec.Struct, gc=False):
    """What is read of a change: a call as it is now, or the tombstone of one."""

    id: str
    tombstone: str | None = None
    merged_into: str | None = None
    created_at: str | None = None
    status: str | None = None
    direction: str | None = None
    route: str | None = None
    provider: str | None = None
    agent: str | None = None
    escalated: bool | None = None
    revision: int | None = None


class _Told(msgspec.Struct, gc=False):
    data: list[msgspec.Raw]
    next: str
    has_more: bool
    revision: int | None = None


class Stretch(NamedTuple):
    """A part of the feed: the changes with their bytes, and where it goes on."""

    changes: Sequence[tuple[Change, bytes]]
    next: str
    has_more: bool
    revision: int | None


_told: Final = msgspec.json.Decoder(_Told)
_change: Final = msgspec.json.Decoder(Change)


def read_stretch(sender: Sender, after: str, wait_s: int = 0) -> Stretch:
    """What changed after a point. Raises ClientError: SnapshotGone where that cannot be told any more."""
    waiting = [("wait", str(wait_s))] if wait_s else []
    answer = sender.send(Request("GET", CHANGES, [("after", after), ("limit", _LIMIT), *waiting]))
    try:
        told = _told.decode(answer.body)
        changes = [(_change.decode(record), bytes(record)) for record in told.data]
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise UnexpectedAnswer(f"GET {CHANGES} was not answered with changes ({fault})") from fault
    if told.has_more and told.next == after:
        raise UnexpectedAnswer(f"GET {CHANGES} has more after {after!r} and does not go on")
    return Stretch(changes, told.next, told.has_more, told.revision)


def all_since(sender: Sender, after: str) -> Iterator[Stretch]:
    """Stretch by stretch, until there is no more. Raises ClientError; a feed must not lead back."""
    has_more, seen = True, {after}
    while has_more:
        stretch = read_stretch(sender, after)
        if stretch.has_more and stretch.next in seen:
            raise UnexpectedAnswer(f"GET {CHANGES} has more after {stretch.next!r}, where it was before")
        yield stretch
        seen.add(stretch.next)
        after, has_more = stretch.next, stretch.has_more


def was_never_in(plan: Plan, change: Change) -> bool:
    """Whether a call lies behind the window: its time only ever moves back, so it never was inside."""
    to_us = plan.window.to_us
    return change.created_at is not None and to_us is not None and parse_instant(change.created_at) >= to_us


def is_in(plan: Plan, change: Change) -> bool:
    """Whether a call is of the window and of the filters now."""
    return change.tombstone is None and is_of_window(plan, change) and _matches(plan, change)


def is_of_window(plan: Plan, change: Change) -> bool:
    """Whether a call was created in the window."""
    if change.created_at is None:
        return False
    created_us, window = parse_instant(change.created_at), plan.window
    is_late_enough = window.from_us is None or created_us >= window.from_us
    return is_late_enough and (window.to_us is None or created_us < window.to_us)


def _matches(plan: Plan, change: Change) -> bool:
    names = {name for name, _ in plan.filters}
    return all(_value(change, name) in _asked(plan, name) for name in names)


def _asked(plan: Plan, name: str) -> set[str]:
    return {word for filtered, value in plan.filters if filtered == name for word in value.split(",")}


def _value(change: Change, name: str) -> str | None:
    value = getattr(change, name)
    return _WORDS[value] if isinstance(value, bool) else value
