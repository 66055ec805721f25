"""An export of the current month, run again, continues with later calls instead of refusing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from calltally.calls.times import parse_instant
from calltally.client.exporting.errors import OtherExport
from calltally.client.exporting.request import ExportPlan, WindowOptions
from calltally.client.operations import CHANGES_PATH
from calltally.client.wire import Answer, Request
from calltally.reconcile.export_folder import open_export
from tests.unit.client.exporting.exporting import SnapshotServer, contents, plan, run
from tests.unit.formats.records import plain

MONTH = WindowOptions(month="2026-10")
NOTHING = {"data": [], "next": "s1", "has_more": False, "revision": 9}


def call(day: int, hour: int, **fields: Any) -> bytes:  # noqa: ANN401 (any field of a call)
    number = day * 24 + hour
    created_at = f"2026-10-{day:02}T{hour:02}:00:00.000000Z"
    return plain(id=f"{number:08d}-0000-8000-8000-000000000000", created_at=created_at, **fields)


def at(time: str, **options: Any) -> ExportPlan:  # noqa: ANN401 (fields of the options)
    return plan(MONTH._replace(**options).window(parse_instant(time)))


class WindowServer(SnapshotServer):
    """Server with snapshots that respects the window, and a feed without changes."""

    def __init__(self, *records: bytes) -> None:
        super().__init__(records)
        self.feed: list[bytes] = []
        self.found: Sequence[bytes] = ()

    def send(self, request: Request) -> Answer:
        if request.path == CHANGES_PATH:
            return Answer(200, {}, json.dumps({**NOTHING, "data": list(map(json.loads, self.feed))}).encode())
        params = dict(request.params)
        self.found = [
            each for each in self.records if params["from"] <= json.loads(each)["created_at"] < params["to"]
        ]
        return super().send(request)

    def page(self, offset: int, limit: int) -> Sequence[bytes]:
        return self.found[offset : offset + limit]

    def total(self, offset: int) -> int:
        del offset
        return len(self.found)


def amended(folder: Path) -> list[int]:
    """Return the numbers of the calls in an amendment."""
    return [int(json.loads(line)["id"][:8]) for line in (folder / "calls.ndjson").read_bytes().splitlines()]


def test_later_calls_of_the_month_become_an_amendment(tmp_path: Path) -> None:
    server = WindowServer(call(1, 1), call(2, 1))
    assert run(server, tmp_path, at("2026-10-03")).manifest.rows == 2
    before = (tmp_path / "calls.ndjson").read_bytes()
    server.feed = [call(4, 1)]
    server.records += server.feed
    layer = run(server, tmp_path, at("2026-10-05"))
    assert (layer.name, amended(layer.folder)) == ("_amendments/0001", [97])
    assert layer.manifest.window == {
        "from": "2026-10-01T00:00:00.000000Z",
        "to": "2026-10-05T00:00:00.000000Z",
    }
    assert (tmp_path / "calls.ndjson").read_bytes() == before
    window = open_export(tmp_path).window
    assert window
    assert window.to_us == parse_instant("2026-10-05")


def test_calls_that_the_first_export_left_out_are_added(tmp_path: Path) -> None:
    """They were stored before it, within the time of --settle, so the feed after it has not got them."""
    settle = {"settle_us": 3_600_000_000}
    server = WindowServer(call(1, 1), call(2, 23), call(2, 22))
    assert run(server, tmp_path, at("2026-10-02T23:30:00Z", **settle)).manifest.rows == 2
    layer = run(server, tmp_path, at("2026-10-04", **settle))
    assert amended(layer.folder) == [71]
    server.feed = [call(3, 23, status="failed")]
    server.records += [call(3, 23, status="ringing")]
    layer = run(server, tmp_path, at("2026-10-05", **settle))
    [line] = (layer.folder / "calls.ndjson").read_bytes().splitlines()
    assert (layer.name, json.loads(line)["status"]) == ("_amendments/0002", "failed")


def test_nothing_is_written_without_later_calls(tmp_path: Path) -> None:
    server = WindowServer(call(1, 1))
    run(server, tmp_path, at("2026-10-03"))
    before = contents(tmp_path)
    assert run(server, tmp_path, at("2026-10-05")).name == ""
    assert run(server, tmp_path, at("2026-10-02")).name == ""
    assert contents(tmp_path) == before


def test_last_export_of_the_month_ends_with_it(tmp_path: Path) -> None:
    server = WindowServer(call(1, 1))
    run(server, tmp_path, at("2026-10-03"))
    server.records += [call(31, 23)]
    layer = run(server, tmp_path, at("2026-11-20"))
    assert (amended(layer.folder), layer.manifest.window["to"]) == ([767], "2026-11-01T00:00:00.000000Z")


def test_window_that_begins_elsewhere_is_another_export(tmp_path: Path) -> None:
    server = WindowServer(call(1, 1))
    days = WindowOptions(last="2d")
    run(server, tmp_path, plan(days.window(parse_instant("2026-10-03"))))
    with pytest.raises(OtherExport, match="window was"):
        run(server, tmp_path, plan(days.window(parse_instant("2026-10-04"))))
    with pytest.raises(OtherExport, match="window was"):
        run(server, tmp_path, at("2026-10-03", settle_us=60_000_000))
