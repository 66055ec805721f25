"""Pages of the change feed as the exporter reads them, and tests against an export's window and filters."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.calls.times import parse_instant
from calltally.client.errors import UnexpectedAnswer
from calltally.client.exporting.pages import RequestSender
from calltally.client.exporting.request import ExportPlan, filter_words
from calltally.client.operations import CHANGES_PATH
from calltally.client.wire import Request

# Filters that can be evaluated on a record. Only the server can search texts and numbers.
LOCAL_FILTERS: Final = frozenset({"status", "direction", "route", "provider", "agent", "escalated"})
_NO_TOMBSTONE: Final = b',"tombstone":null}'
_LIMIT: Final = "1000"
_FLAG_TEXTS: Final = {True: "true", False: "false"}


class FeedChange(msgspec.Struct, gc=False):
    """Decoded fields of a change: a call in its present state, or a tombstone."""

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


class _RawFeedPage(msgspec.Struct, gc=False):
    data: list[msgspec.Raw]
    next: str
    has_more: bool
    revision: int | None = None


class FeedPage(NamedTuple):
    """Page of the feed: the changes with their bytes, and the position of the next page."""

    changes: Sequence[tuple[FeedChange, bytes]]
    next: str
    has_more: bool
    revision: int | None


_raw_feed_decoder: Final = msgspec.json.Decoder(_RawFeedPage)
_change_decoder: Final = msgspec.json.Decoder(FeedChange)


def fetch_feed_page(sender: RequestSender, after: str, wait_s: int = 0) -> FeedPage:
    """Fetch the changes after a position. Raises ClientError: SnapshotGoneError for an expired one."""
    waiting = [("wait", str(wait_s))] if wait_s else []
    answer = sender.send(Request("GET", CHANGES_PATH, [("after", after), ("limit", _LIMIT), *waiting]))
    try:
        raw = _raw_feed_decoder.decode(answer.body)
        changes = [(_change_decoder.decode(record), _line_of(bytes(record))) for record in raw.data]
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        detail = f"the response to GET {CHANGES_PATH} is not a page of changes ({fault})"
        raise UnexpectedAnswer(detail) from fault
    if raw.has_more and raw.next == after:
        raise UnexpectedAnswer(f"GET {CHANGES_PATH} has more after {after!r} but does not advance")
    return FeedPage(changes, raw.next, raw.has_more, raw.revision)


def _line_of(record: bytes) -> bytes:
    """Return a call as lists have it, without the column of tombstones."""
    return record.removesuffix(_NO_TOMBSTONE) + b"}" if record.endswith(_NO_TOMBSTONE) else record


def iterate_feed(sender: RequestSender, after: str) -> Iterator[FeedPage]:
    """Iterate over the pages until there are no more changes.

    Raises ClientError, also for a feed that returns to an earlier position.
    """
    has_more, visited = True, {after}
    while has_more:
        page = fetch_feed_page(sender, after)
        if page.has_more and page.next in visited:
            raise UnexpectedAnswer(f"GET {CHANGES_PATH} returns to its earlier position {page.next!r}")
        yield page
        visited.add(page.next)
        after, has_more = page.next, page.has_more


def is_after_window(plan: ExportPlan, change: FeedChange) -> bool:
    """Return True if a call is later than the window. Times only move earlier, so it never was inside."""
    to_us = plan.window.to_us
    return change.created_at is not None and to_us is not None and parse_instant(change.created_at) >= to_us


def matches_plan(plan: ExportPlan, change: FeedChange) -> bool:
    """Return True if the change is a call that is now in the window and matches the filters."""
    if change.tombstone is not None or not is_in_window(plan, change):
        return False
    return all(_change_value(change, name) in words for name, words in filter_words(plan.filters).items())


def is_in_window(plan: ExportPlan, change: FeedChange) -> bool:
    if change.created_at is None:
        return False
    created_us, window = parse_instant(change.created_at), plan.window
    is_late_enough = window.from_us is None or created_us >= window.from_us
    return is_late_enough and (window.to_us is None or created_us < window.to_us)


def _change_value(change: FeedChange, name: str) -> str | None:
    value = getattr(change, name)
    return _FLAG_TEXTS[value] if isinstance(value, bool) else value
