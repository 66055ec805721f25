"""The change feed as an exporter reads it, where it is not what it should be."""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from calltally.client.errors import UnexpectedAnswer
from calltally.client.exporting import follow
from calltally.client.exporting.errors import DamagedExport, NotExportable, OtherExport
from calltally.client.exporting.feed import CHANGES, Change, is_in, is_of_window, was_never_in
from calltally.client.exporting.follow import Follower
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.manifest import Manifest
from calltally.client.exporting.output import Folder
from calltally.client.exporting.request import Asked, Window
from calltally.client.exporting.runs import Again
from calltally.client.problems import error_of
from calltally.client.wire import Answer, Request
from tests.acceptance.bare_server import BareServer, calls
from tests.unit.client.exporting.exporting import DAYS, HeldServer, Notes, contents, held_records, plan, run

RECORDS = held_records(12)


class Feeding(HeldServer):
    """The same with a feed of the stretches given, or with that status."""

    def __init__(self, *stretches: Mapping[str, Any] | bytes, feed_status: int = 200) -> None:
        super().__init__(RECORDS)
        self.stretches = list(stretches)
        self.feed_status = feed_status
        self.after: list[str] = []

    def send(self, request: Request) -> Answer:
        if request.path != CHANGES:
            return super().send(request)
        self.after.append(dict(request.params)["after"])
        if self.feed_status != 200:
            raise error_of(request, Answer(self.feed_status, {}, b""), 0.0)
        told = self.stretches.pop(0)
        return Answer(200, {}, told if isinstance(told, bytes) else json.dumps(told).encode())


def stretch(*changes: Mapping[str, Any], after: str, more: bool = False) -> Mapping[str, Any]:
    return {"data": changes, "next": after, "has_more": more, "revision": 9}


def changed(number: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any field of a call)
    return {**json.loads(RECORDS[number]), "revision": 7, **fields}


def test_the_last_change_of_a_call_counts_however_many_stretches_there_are(tmp_path: Path) -> None:
    first = stretch(changed(0, status="busy"), changed(1, status="busy"), after="p1", more=True)
    gone = {"id": json.loads(RECORDS[1])["id"], "tombstone": "merged", "merged_into": "other", "revision": 8}
    server = Feeding(first, stretch(changed(0, status="failed"), gone, after="p2"))
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
def test_without_a_feed_the_window_is_compared(tmp_path: Path, status: int) -> None:
    server, notes = Feeding(feed_status=status), Notes()
    run(server, tmp_path)
    server.records = [*RECORDS[1:]]
    layer = run(server, tmp_path, notes=notes)
    assert "the server cannot tell what changed: the window is exported again and compared" in notes.said
    assert layer.name == "amendments/0001"
    assert layer.manifest.amends
    assert (layer.manifest.amends.added, layer.manifest.amends.changed, layer.manifest.amends.gone) == (
        0,
        0,
        1,
    )


def test_an_amendment_of_files_that_were_changed_is_refused(tmp_path: Path) -> None:
    run(Feeding(), tmp_path)
    (tmp_path / "calls.ndjson").write_bytes(b"")
    with pytest.raises(DamagedExport, match=r"calls\.ndjson was changed; --restart"):
        run(Feeding(), tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"{}")
    with pytest.raises(DamagedExport, match="is no manifest"):
        run(Feeding(), tmp_path)


def test_what_is_no_feed_is_told(tmp_path: Path) -> None:
    server = Feeding(b'{"data": []}')
    run(server, tmp_path)
    with pytest.raises(UnexpectedAnswer, match="was not answered with changes"):
        run(server, tmp_path)


@pytest.mark.parametrize("leads_to", [("s1",), ("p1", "s1"), ("p1", "p2", "p1")])
def test_a_feed_that_leads_back_is_told(tmp_path: Path, leads_to: tuple[str, ...]) -> None:
    server = Feeding(*(stretch(changed(0), after=after, more=True) for after in leads_to))
    run(server, tmp_path)
    with pytest.raises(UnexpectedAnswer, match="has more after"):
        run(server, tmp_path)
    assert not server.stretches


def test_what_is_no_list_is_told(tmp_path: Path) -> None:
    class Odd(HeldServer):
        def send(self, request: Request) -> Answer:
            del request
            return Answer(200, {}, b"<html>")

    with pytest.raises(UnexpectedAnswer, match="was not answered with a page of calls"):
        run(Odd(RECORDS), tmp_path)


def test_a_call_is_of_the_window_by_its_time_and_its_fields() -> None:
    busy = plan(filters=(("status", "busy,failed"), ("escalated", "false")))
    inside = Change("a", created_at="2026-10-02T00:00:00.000000Z", status="failed", escalated=False)
    assert is_in(busy, inside)
    assert not is_in(busy, Change("a", created_at=inside.created_at, status="queued", escalated=False))
    assert not is_in(busy, Change("a", tombstone="erased"))
    assert not is_of_window(plan(), Change("a", tombstone="erased"))
    assert not is_of_window(plan(), Change("a", created_at="2026-09-30T23:59:59.999999Z"))
    assert was_never_in(plan(), Change("a", created_at="2026-10-04T00:00:00.000000Z"))
    assert not was_never_in(plan(), inside)
    assert not was_never_in(plan(), Change("a", tombstone="erased"))


# -------------------------------------------------------------------------------------------------- following


def follower(server: Feeding, out: Path, window: Window = DAYS, **fields: Any) -> Follower:  # noqa: ANN401 (the plan's)
    base = run(server, out, plan(window, **fields)).manifest
    return Follower(Source(server), plan(window, **fields), Folder(out, out / "export.checkpoint"), base)


def test_a_follower_goes_on_where_its_checkpoint_is(tmp_path: Path) -> None:
    other = changed(2, created_at="2026-09-01T00:00:00.000000Z")
    server = Feeding(
        stretch(changed(0), other, after="p1"), stretch(after="p2"), stretch(changed(1), after="p3")
    )
    first = follower(server, tmp_path)
    assert [first.step(0), first.step(0)] == [1, 0]
    first.close()
    with (tmp_path / "changes.ndjson").open("ab") as file:
        file.write(b'{"never counted')
    again = Follower(Source(server), plan(), Folder(tmp_path, tmp_path / "x"), _manifest(tmp_path))
    assert again.step(0) == 1
    again.close()
    assert server.after == ["s1", "p1", "p2"]
    told = [json.loads(line) for line in (tmp_path / "changes.ndjson").read_bytes().splitlines()]
    assert told == [changed(0), changed(1)]


def _manifest(out: Path) -> Manifest:
    layer = run(Feeding(stretch(after="p9")), out)
    return layer.manifest


def test_a_call_that_matches_no_more_is_told_as_left(tmp_path: Path) -> None:
    server = Feeding(stretch(changed(0, status="failed"), changed(1, status="busy"), after="p1"))
    one = follower(server, tmp_path, filters=(("status", "busy"),))
    assert one.step() == 2
    one.close()
    left = json.loads((tmp_path / "changes.ndjson").read_bytes().splitlines()[0])
    assert left == {"id": changed(0)["id"], "tombstone": "left", "revision": 7}


def test_where_nothing_can_be_followed_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotExportable, match="whether a change matches q only the server can tell"):
        follower(Feeding(), tmp_path / "a", filters=(("q", "hello"),))
    bare = BareServer(calls(3))
    base = run(bare, tmp_path / "b").manifest
    with pytest.raises(NotExportable, match="has no snapshots, so there is no place in a feed"):
        Follower(Source(bare), plan(), Folder(tmp_path / "b", tmp_path / "x"), base)
    with (
        closing(follower(Feeding(feed_status=404), tmp_path / "c")) as lost,
        pytest.raises(NotExportable, match="has no change feed to follow"),
    ):
        lost.step()
    (tmp_path / "c" / "follow.checkpoint").write_bytes(b"{}")
    with pytest.raises(DamagedExport, match="remove it to follow anew"):
        Follower(Source(bare), plan(), Folder(tmp_path / "c", tmp_path / "x"), base)


def test_another_plan_does_not_go_on_with_a_follower(tmp_path: Path) -> None:
    one = follower(Feeding(stretch(after="p1")), tmp_path)
    one.step()
    one.close()
    base = json.loads(contents(tmp_path)["follow.checkpoint"])
    assert base["after"] == "p1"
    with pytest.raises(OtherExport, match="limit was 10 and is 20 now"):
        follower(Feeding(stretch(after="p1")), tmp_path, limit=20)


def test_the_last_days_are_followed_on_from_the_window_that_was_exported(tmp_path: Path) -> None:
    now_us = DAYS.to_us or 0
    first, later = (Asked(last="7d").window(now_us + after, follows=True) for after in (0, 60_000_000))
    done = run(HeldServer(RECORDS), tmp_path, plan(first))
    again = run(HeldServer(RECORDS), tmp_path, plan(later), again=Again.KEEP)
    assert again.manifest == done.manifest
    with pytest.raises(OtherExport, match="window was from"):
        run(HeldServer(RECORDS), tmp_path, plan(later))
    with pytest.raises(OtherExport, match="window was from"):
        run(HeldServer(RECORDS), tmp_path, plan(Asked(last="6d").window(now_us)), again=Again.KEEP)
    folder = Folder(tmp_path, tmp_path / "export.checkpoint")
    with closing(Follower(Source(Feeding(stretch(after="p1"))), plan(later), folder, again.manifest)) as one:
        one.step(0)
    followed = follow.load(tmp_path / "follow.checkpoint")
    assert followed
    assert followed.plan.window == first
