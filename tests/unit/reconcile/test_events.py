"""Event logs of receivers: all line formats, and unreadable lines with their positions."""

import gzip
import io
import json
from collections.abc import Callable
from typing import Any, BinaryIO

import pytest
from backports import zstd

from calltally.reconcile import events
from calltally.reconcile.events import (
    FileLine,
    ReceivedEvent,
    UnreadableLine,
    decompressed,
    lines_of,
    read_events,
)

ENVELOPE: dict[str, Any] = {
    "id": "msg_1",
    "event": "voice.call.completed",
    "created_at": "2026-10-01T00:00:00.000000Z",
    "tenant_id": "acme",
    "api_version": "2026-11-01",
    "data": {
        "call_sid": "CA1",
        "id": "7d9f",
        "status": "busy",
        "duration_seconds": 0,
        "revision": 5,
        "corrects": {"status": "failed", "revision": 3},
        "summary": "Unknown fields are passed over.",
    },
}
CREATED_US = 1_790_812_800_000_000
RECEIVED = "2026-10-01T02:00:01+02:00"
READ = ReceivedEvent(
    1,
    "msg_1",
    "voice.call.completed",
    CREATED_US,
    CREATED_US + 1_000_000,
    "acme",
    "CA1",
    "7d9f",
    "busy",
    5,
    0,
    "failed",
)


def read(*documents: object) -> list[ReceivedEvent | UnreadableLine]:
    written = b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in documents)
    return list(read_events(io.BytesIO(written), "log"))


@pytest.mark.parametrize(
    "line",
    [
        ENVELOPE | {"received_at": RECEIVED},
        {"received_at": RECEIVED, "event": ENVELOPE},
        {"received_at": RECEIVED, "headers": {}, "body": ENVELOPE},
        {"received_at": RECEIVED, "headers": {}, "body": json.dumps(ENVELOPE)},
    ],
    ids=["envelope", "event", "body", "body as text"],
)
def test_all_line_formats_give_the_same_event(line: object) -> None:
    assert read(line) == [READ]


def test_missing_fields_are_unknown() -> None:
    bare = {"id": "msg_1", "event": "voice.session.evaluated", "created_at": "2026-10-01T00:00:00Z"}
    assert read(bare) == [ReceivedEvent(1, "msg_1", "voice.session.evaluated", CREATED_US)]


@pytest.mark.parametrize("header", ["msg_9", ["msg_9", "msg_10"]])
def test_id_may_be_in_the_headers(header: object) -> None:
    nameless = {name: value for name, value in ENVELOPE.items() if name != "id"}
    [event] = read({"headers": {"Content-Type": "x", "Webhook-Id": header}, "body": nameless})
    assert isinstance(event, ReceivedEvent)
    assert event.id == "msg_9"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "truncated"),
        (b"\xff{}", "malformed"),
        (b"[" * 5_000, "array"),
        ([ENVELOPE], "Expected `object`"),
        ({"some": "thing"}, "missing required field `event`"),
        (ENVELOPE | {"created_at": "yesterday"}, "created_at"),
        (ENVELOPE | {"created_at": "2026-10-01T00:00:00"}, "timezone"),
        ({"body": "{"}, "truncated"),
        ({"body": ENVELOPE | {"created_at": 5}}, "$.body.created_at"),
        ({"event": {"id": 4}}, "$.event.id"),
        ({"headers": {"webhook-id": 5}, "body": ENVELOPE | {"id": None}}, "no `id`"),
        ({"body": ENVELOPE | {"id": None}}, "no `id`"),
    ],
)
def test_unreadable_line_is_reported_and_the_next_is_read(line: object, reason: str) -> None:
    unread, event = read(line, ENVELOPE)
    assert isinstance(unread, UnreadableLine)
    assert unread.position == "log:1"
    assert reason in unread.reason
    assert isinstance(event, ReceivedEvent)
    assert event.index == 2


def test_blank_lines_and_byte_order_mark_are_skipped() -> None:
    written = (
        b"\xef\xbb\xbf" + json.dumps(ENVELOPE).encode() + b"\r\n\r\n  \n" + json.dumps(ENVELOPE).encode()
    )
    first, second = read_events(io.BytesIO(written), "log", 100)
    assert isinstance(first, ReceivedEvent)
    assert isinstance(second, ReceivedEvent)
    assert (first.index, second.index) == (101, 104)


def test_overlong_line_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_LINE_BYTES", 10)
    assert read(b"x" * 95) == [UnreadableLine("log:1", "longer than 10 bytes")]
    found = list(lines_of(io.BytesIO(b"short\n" + b"x" * 95 + b"\nlast\n" + b"y" * 10)))
    assert [(line.number, line.text, bool(line.fault)) for line in found] == [
        (1, b"short", False),
        (2, b"", True),
        (3, b"last", False),
        (4, b"", True),
    ]


PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd.compress, ".ndjson": bytes}


def lines_in(suffix: str, packed: bytes) -> list[FileLine]:
    raw: BinaryIO = io.BytesIO(packed)
    with decompressed(raw, suffix) as file:
        return list(lines_of(file))


@pytest.mark.parametrize("suffix", PACKED)
def test_files_are_decompressed_by_suffix(suffix: str) -> None:
    assert lines_in(suffix, PACKED[suffix](b"one\ntwo\n")) == [FileLine(1, b"one"), FileLine(2, b"two")]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_damaged_file_ends_with_a_reason(suffix: str) -> None:
    for damaged in (PACKED[suffix](b"one\n" * 9_000)[:-5], b"plain text\n"):
        last = lines_in(suffix, damaged)[-1]
        assert last.fault
        assert "the file ends here" in last.fault
