"""Change feed in amendments and followers, with unusual and wrong responses."""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from calltally.client.errors import UnexpectedAnswer
from calltally.client.exporting import follow
from calltally.client.exporting.errors import DamagedExport, NotExportable, OtherExport
from calltally.client.exporting.feed import (
    FeedChange,
    is_after_window,
    is_in_window,
    matches_plan,
)
from calltally.client.exporting.follow import Follower
from calltally.client.exporting.manifest import Manifest
from calltally.client.exporting.output import ExportFolder, ExportRun
from calltally.client.exporting.pages import ExportSource, RequestSender
from calltally.client.exporting.request import ExportPlan, ExportWindow, WindowOptions
from calltally.client.exporting.runs import RerunMode
from calltally.client.operations import CHANGES_PATH
from calltally.client.problems import error_from_answer
from calltally.client.wire import Answer, Request
from tests.acceptance.bare_server import BareServer, calls
from tests.unit.client.exporting.exporting import (
    DAYS,
    RecordingListener,
    SnapshotServer,
    contents,
    plan,
    run,
    snapshot_records,
)

RECORDS = snapshot_records(12)


class FeedServer(SnapshotServer):
    """Server with snapshots and a feed of the given pages, or of the given status."""

    def __init__(self, *pages: Mapping[str, Any] | bytes, feed_status: int = 200) -> None:
        super().__init__(RECORDS)
        self.pages = list(pages)
        self.feed_status = feed_status
        self.after: list[str] = []

    def send(self, request: Request) -> Answer:
        if request.path != CHANGES_PATH:
            return super().send(request)
        self.after.append(dict(request.params)["after"])
        if self.feed_status != 200:
            raise error_from_answer(request, Answer(self.feed_status, {}, b""), 0.0)
        page = self.pages.pop(0)
        return Answer(200, {}, page if isinstance(page, bytes) else json.dumps(page).encode())


def feed_page(*changes: Mapping[str, Any], after: str, more: bool = False) -> Mapping[str, Any]:
    return {"data": changes, "next": after, "has_more": more, "revision": 9}


def changed(number: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any field of a call)
    return {**json.loads(RECORDS[number]), "revision": 7, **fields}


def test_last_change_of_a_call_counts_over_several_pages(tmp_path: Path) -> None:
    first = feed_page(changed(0, status="busy"), changed(1, status="busy"), after="p1", more=True)
    gone = {"id": json.loads(RECORDS[1])["id"], "tombstone": "merged", "merged_into": "other", "revision": 8}
    server = FeedServer(first, feed_page(changed(0, status="failed"), gone, after="p2"))
    run(server, tmp_path)
    layer = run(server, tmp_path)
    assert server.after == ["s1", "p1"]
    assert layer.manifest.next == "p2"
    [line] = (layer.folder / "calls.ndjson").read_bytes().splitlines()
    assert json.loads(line)["status"] == "failed"
    assert json.loads((layer.folder / "gone.ndjson").read_bytes()) == {
        "id": gone["id"],
        "reason": "merged",
        "merged_into": "other",
        "revision": 8,
    }


@pytest.mark.parametrize("status", [400, 404, 410])
def test_window_is_compared_without_a_feed(tmp_path: Path, status: int) -> None:
    server, listener = FeedServer(feed_status=status), RecordingListener()
    run(server, tmp_path)
    server.records = [*RECORDS[1:]]
    layer = run(server, tmp_path, listener=listener)
    assert (
        "the server cannot list the changes, so the window is exported again and compared"
        in listener.messages
    )
    assert layer.name == "_amendments/0001"
    assert layer.manifest.amends
    assert (layer.manifest.amends.added, layer.manifest.amends.changed, layer.manifest.amends.gone) == (
        0,
        0,
        1,
    )


def test_amendment_of_changed_files_is_refused(tmp_path: Path) -> None:
    run(FeedServer(), tmp_path)
    (tmp_path / "calls.ndjson").write_bytes(b"")
    with pytest.raises(DamagedExport, match=r"calls\.ndjson was changed; .*--restart"):
        run(FeedServer(), tmp_path)
    (tmp_path / "_manifest.json").write_bytes(b"{}")
    with pytest.raises(DamagedExport, match="is not the manifest"):
        run(FeedServer(), tmp_path)


def test_response_that_is_no_feed_is_an_error(tmp_path: Path) -> None:
    server = FeedServer(b'{"data": []}')
    run(server, tmp_path)
    with pytest.raises(UnexpectedAnswer, match="is not a page of changes"):
        run(server, tmp_path)


@pytest.mark.parametrize("leads_to", [("s1",), ("p1", "s1"), ("p1", "p2", "p1")])
def test_feed_that_returns_to_a_position_is_an_error(tmp_path: Path, leads_to: tuple[str, ...]) -> None:
    server = FeedServer(*(feed_page(changed(0), after=after, more=True) for after in leads_to))
    run(server, tmp_path)
    with pytest.raises(UnexpectedAnswer, match=r"but does not advance|returns to its earlier position"):
        run(server, tmp_path)
    assert not server.pages


def test_response_that_is_no_list_is_an_error(tmp_path: Path) -> None:
    class Odd(SnapshotServer):
        def send(self, request: Request) -> Answer:
            del request
            return Answer(200, {}, b"<html>")

    with pytest.raises(UnexpectedAnswer, match="is not a page of calls"):
        run(Odd(RECORDS), tmp_path)


def test_changes_match_by_time_and_filters() -> None:
    busy = plan(filters=(("status", "busy,failed"), ("escalated", "false")))
    inside = FeedChange("a", created_at="2026-10-02T00:00:00.000000Z", status="failed", escalated=False)
    assert matches_plan(busy, inside)
    assert not matches_plan(
        busy, FeedChange("a", created_at=inside.created_at, status="queued", escalated=False)
    )
    assert not matches_plan(busy, FeedChange("a", tombstone="erased"))
    assert not is_in_window(plan(), FeedChange("a", tombstone="erased"))
    assert not is_in_window(plan(), FeedChange("a", created_at="2026-09-30T23:59:59.999999Z"))
    assert is_after_window(plan(), FeedChange("a", created_at="2026-10-04T00:00:00.000000Z"))
    assert not is_after_window(plan(), inside)
    assert not is_after_window(plan(), FeedChange("a", tombstone="erased"))


# -------------------------------------------------------------------------------------------------- following


def follower(server: FeedServer, out: Path, window: ExportWindow = DAYS, **fields: Any) -> Follower:  # noqa: ANN401 (the plan's)
    base = run(server, out, plan(window, **fields)).manifest
    return follower_of(server, out, plan(window, **fields), base)


def follower_of(sender: RequestSender, out: Path, export_plan: ExportPlan, base: Manifest) -> Follower:
    folder = ExportFolder(out, out / "export.checkpoint")
    return Follower(ExportRun(ExportSource(sender), export_plan, folder, RecordingListener()), base)


def test_follower_resumes_at_its_checkpoint(tmp_path: Path) -> None:
    other = changed(2, created_at="2026-09-01T00:00:00.000000Z")
    server = FeedServer(
        feed_page(changed(0), other, after="p1"), feed_page(after="p2"), feed_page(changed(1), after="p3")
    )
    first = follower(server, tmp_path)
    assert [first.poll_once(0), first.poll_once(0)] == [1, 0]
    first.close()
    with (tmp_path / "_changes.ndjson").open("ab") as file:
        file.write(b'{"never counted')
    resumed = follower_of(server, tmp_path, plan(), _manifest(tmp_path))
    assert resumed.poll_once(0) == 1
    resumed.close()
    assert server.after == ["s1", "p1", "p2"]
    written = [json.loads(line) for line in (tmp_path / "_changes.ndjson").read_bytes().splitlines()]
    assert written == [changed(0), changed(1)]


def _manifest(out: Path) -> Manifest:
    layer = run(FeedServer(feed_page(after="p9")), out)
    return layer.manifest


def test_call_that_no_longer_matches_is_written_as_left(tmp_path: Path) -> None:
    server = FeedServer(feed_page(changed(0, status="failed"), changed(1, status="busy"), after="p1"))
    one = follower(server, tmp_path, filters=(("status", "busy"),))
    assert one.poll_once() == 2
    one.close()
    left = json.loads((tmp_path / "_changes.ndjson").read_bytes().splitlines()[0])
    assert left == {"id": changed(0)["id"], "tombstone": "left", "revision": 7}


def test_follower_refuses_servers_and_filters_without_a_usable_feed(tmp_path: Path) -> None:
    with pytest.raises(NotExportable, match="the filters q cannot be applied to changes"):
        follower(FeedServer(), tmp_path / "a", filters=(("q", "hello"),))
    bare = BareServer(calls(3))
    base = run(bare, tmp_path / "b").manifest
    with pytest.raises(NotExportable, match="has no snapshots, so --follow has no position to start from"):
        follower_of(bare, tmp_path / "b", plan(), base)
    with (
        closing(follower(FeedServer(feed_status=404), tmp_path / "c")) as lost,
        pytest.raises(NotExportable, match="has no change feed to follow"),
    ):
        lost.poll_once()
    (tmp_path / "c" / "_follow.checkpoint").write_bytes(b"{}")
    with pytest.raises(DamagedExport, match="remove it to follow again"):
        follower_of(bare, tmp_path / "c", plan(), base)


def test_follower_refuses_another_plan(tmp_path: Path) -> None:
    one = follower(FeedServer(feed_page(after="p1")), tmp_path)
    one.poll_once()
    one.close()
    base = json.loads(contents(tmp_path)["_follow.checkpoint"])
    assert base["after"] == "p1"
    with pytest.raises(OtherExport, match="limit was 10 and is now 20"):
        follower(FeedServer(feed_page(after="p1")), tmp_path, limit=20)


def test_follower_of_last_days_uses_the_exported_window(tmp_path: Path) -> None:
    now_us = DAYS.to_us or 0
    first, later = (
        WindowOptions(last="7d").window(now_us + after, follows=True) for after in (0, 60_000_000)
    )
    done = run(SnapshotServer(RECORDS), tmp_path, plan(first))
    unchanged = run(SnapshotServer(RECORDS), tmp_path, plan(later), rerun=RerunMode.KEEP)
    assert unchanged.manifest == done.manifest
    with pytest.raises(OtherExport, match="window was from"):
        run(SnapshotServer(RECORDS), tmp_path, plan(later))
    with pytest.raises(OtherExport, match="window was from"):
        run(
            SnapshotServer(RECORDS),
            tmp_path,
            plan(WindowOptions(last="6d").window(now_us)),
            rerun=RerunMode.KEEP,
        )
    server = FeedServer(feed_page(after="p1"))
    with closing(follower_of(server, tmp_path, plan(later), unchanged.manifest)) as one:
        one.poll_once(0)
    followed = follow.load(tmp_path / "_follow.checkpoint")
    assert followed
    assert followed.plan.window == first
