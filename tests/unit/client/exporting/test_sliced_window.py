"""A bare server of the reference page: every repeat and every hole that is planted is found, and mended."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.client.errors import BadRequest
from calltally.client.exporting.agreement import Finding
from calltally.client.exporting.errors import NotExportable, OtherExport
from calltally.client.exporting.manifest import Manifest, damaged
from calltally.client.exporting.request import Asked, Window
from calltally.client.wire import Answer, Request
from tests.acceptance.bare_server import EPOCH, Bare, BareServer, Change, Habits, call, calls
from tests.unit.client.exporting.exporting import NOW_US, Notes, contents, exported, plan, run

CALLS = calls(432)
# The questions before the first reading: one call, two empty windows, an offset far out, one page.
ASKED_BEFORE = 5


def findings(out: Path) -> list[Finding]:
    path = out / "drift.ndjson"
    return [Finding(**json.loads(line)) for line in path.read_bytes().splitlines()] if path.exists() else []


def ids(out: Path) -> list[str]:
    return [each["id"] for each in exported(out)]


def listed(server: BareServer) -> set[str]:
    return {each.id for each in server.listed}


# --------------------------------------------------------------------------------------- a list that is still


def test_every_call_is_there_once_with_its_own_bytes(tmp_path: Path) -> None:
    server = BareServer(CALLS)
    notes = Notes()
    manifest = run(server, tmp_path, notes=notes).manifest
    assert sorted(exported(tmp_path), key=lambda each: each["id"]) == [each.record for each in CALLS]
    assert (manifest.complete, manifest.readings, manifest.repeats, manifest.holes) == (True, 2, 0, 0)
    assert (manifest.snapshot, manifest.revision, manifest.highest, manifest.notes) == (None, None, None, [])
    assert manifest.by_status == dict.fromkeys(("busy", "completed", "failed", "no-answer"), 108)
    assert "the server has no snapshots: everything is read at least twice and compared" in notes.said
    assert set(contents(tmp_path)) == {"calls.ndjson", "manifest.json"}


def test_slices_say_which_file_a_call_goes_to(tmp_path: Path) -> None:
    run(BareServer(CALLS), tmp_path, plan(partition="day", format="csv"))
    for day in (1, 2, 3):
        lines = (tmp_path / f"calls-2026-10-0{day}.csv").read_text().splitlines()
        assert {line[:36] for line in lines[1:]} == {each.id for each in CALLS if each.at.day == day}


@pytest.mark.parametrize(
    "habits",
    [
        Habits(most=7, clamps=True),
        Habits(most=7),
        Habits(has_total=True),
        Habits(tells_time=True),
        Habits(indent=2),
    ],
    ids=["clamps", "refuses long pages", "has totals", "tells times", "writes for people"],
)
def test_what_the_page_leaves_open_changes_nothing(tmp_path: Path, habits: Habits) -> None:
    manifest = run(BareServer(CALLS, habits=habits), tmp_path).manifest
    assert sorted(ids(tmp_path)) == [each.id for each in CALLS]
    assert (manifest.complete, manifest.repeats, manifest.holes) == (True, 0, 0)
    assert len((tmp_path / "calls.ndjson").read_bytes().splitlines()) == 432
    assert bool(manifest.highest) == habits.tells_time


def test_a_server_without_windows_is_exported_as_a_whole(tmp_path: Path) -> None:
    server = BareServer(CALLS, habits=Habits(refuses=["from", "to"]))
    manifest = run(server, tmp_path, plan(Window("all", None, None))).manifest
    assert (manifest.rows, manifest.complete) == (432, True)
    with pytest.raises(NotExportable, match="--partition needs --from and --to"):
        run(server, tmp_path / "b", plan(Window("all", None, None), partition="day"))


def test_filters_of_the_page_are_sent_and_looked_after(tmp_path: Path) -> None:
    filters = (("status", "busy"), ("direction", "inbound"))
    manifest = run(BareServer(CALLS), tmp_path, plan(filters=filters)).manifest
    assert manifest.by_status == {"busy": 36}
    assert manifest.filters == {"status": ["busy"], "direction": ["inbound"]}


# ------------------------------------------------------------------------------- a server that does otherwise


@pytest.mark.parametrize(
    ("habits", "words"),
    [
        (Habits(ignores=["from"]), "does not heed from and to.*--all"),
        (Habits(ignores=["to"]), "does not heed from and to"),
        (Habits(ignores=["from", "to"]), "does not heed from and to"),
        (Habits(refuses=["from"]), "refuses from and to.*--all"),
        (Habits(ignores=["status"]), "does not heed status: asked for status busy, it tells of"),
    ],
)
def test_a_window_or_filter_that_is_not_heeded_is_noticed(tmp_path: Path, habits: Habits, words: str) -> None:
    with pytest.raises(NotExportable, match=words):
        run(BareServer(CALLS, habits=habits), tmp_path, plan(filters=(("status", "busy"),)))
    assert not (tmp_path / "manifest.json").exists()


def test_a_filter_that_cannot_be_checked_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotExportable, match="whether the server heeds route cannot be told"):
        run(BareServer(CALLS), tmp_path, plan(filters=(("route", "sales"),)))


def test_a_snapshot_that_cannot_be_listed_by_time_is_read_as_if_there_were_none(tmp_path: Path) -> None:
    class Orderless(BareServer):
        """Tells a snapshot and a total, and refuses to be asked for an order."""

        def _body(self, page: Sequence[Bare], limit: int, offset: int, total: int) -> bytes:
            return super()._body(page, limit, offset, total)[:-1] + b', "snapshot": "s1"}'

    habits = Habits(refuses=["order"], has_total=True)
    manifest = run(Orderless(CALLS, habits=habits), tmp_path).manifest
    assert (manifest.rows, manifest.complete, manifest.snapshot, manifest.readings) == (432, True, None, 2)


def test_a_server_that_refuses_everything_says_so_itself(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        run(BareServer(CALLS, habits=Habits(refuses=["limit"])), tmp_path)


def test_a_server_that_does_not_page_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(NotExportable, match="does not heed offset"):
        run(BareServer(CALLS, habits=Habits(ignores=["offset"])), tmp_path)


def test_an_end_that_is_included_is_told_and_taken_out(tmp_path: Path) -> None:
    server = BareServer([*CALLS, call(432, EPOCH + timedelta(days=3))], habits=Habits(takes_end=True))
    manifest = run(server, tmp_path).manifest
    assert sorted(ids(tmp_path)) == [each.id for each in CALLS]
    assert [(each.kind, each.id, each.slice) for each in findings(tmp_path)] == [
        ("repeat", CALLS[144].id, 1),
        ("repeat", CALLS[288].id, 2),
    ]
    assert manifest.complete


def test_a_start_that_is_left_out_is_told_and_asked_for(tmp_path: Path) -> None:
    manifest = run(BareServer(CALLS, habits=Habits(leaves_start=True)), tmp_path).manifest
    assert sorted(ids(tmp_path)) == [each.id for each in CALLS]
    assert [(each.kind, each.id, each.slice) for each in findings(tmp_path)] == [
        ("hole", CALLS[number].id, number // 144) for number in (0, 144, 288)
    ]
    assert manifest.complete


# ------------------------------------------------------------------------------------------ a list that moves


def test_calls_that_go_make_holes_and_each_is_found(tmp_path: Path) -> None:
    # Newest first: 143, 142 ... The third page of the first day begins two calls too late.
    gone = [CALLS[number].id for number in (140, 135)]
    manifest = run(BareServer(CALLS, {ASKED_BEFORE + 3: Change(go=gone)}), tmp_path).manifest
    passed_over = [CALLS[number].id for number in (122, 123)]
    assert [(each.kind, each.id, each.slice, each.reading) for each in findings(tmp_path)] == [
        ("gone", gone[1], 0, 1),
        ("gone", gone[0], 0, 1),
        *(("hole", call_id, 0, 1) for call_id in passed_over),
    ]
    assert (manifest.holes, manifest.repeats, manifest.complete, manifest.readings) == (2, 0, True, 3)
    assert "2 times a call was told that the last reading does not tell any more" in manifest.notes
    assert set(ids(tmp_path)) == {each.id for each in CALLS} - set(gone)


def test_calls_that_come_late_make_repeats_and_each_is_found(tmp_path: Path) -> None:
    late = [call(9_000 + number, EPOCH + timedelta(hours=23, minutes=51 + number)) for number in range(3)]
    server = BareServer(CALLS, {ASKED_BEFORE + 3: Change(come=late)}, Habits(has_total=True))
    manifest = run(server, tmp_path).manifest
    again = [CALLS[number].id for number in (124, 125, 126)]
    assert [(each.kind, each.id, each.slice, each.reading) for each in findings(tmp_path)] == [
        *(("hole", each.id, 0, 1) for each in late),
        *(("repeat", call_id, 0, 1) for call_id in again),
    ]
    assert (manifest.holes, manifest.repeats, manifest.complete) == (3, 3, True)
    assert "the total that the server tells moved in 1 of 3 slices" in manifest.notes
    assert sorted(ids(tmp_path)) == sorted(listed(server))


def test_as_many_that_go_as_come_are_no_way_to_hide(tmp_path: Path) -> None:
    late = call(9_000, EPOCH + timedelta(hours=23, minutes=51))
    server = BareServer(
        CALLS, {ASKED_BEFORE + 3: Change(come=[late], go=[CALLS[140].id])}, Habits(has_total=True)
    )
    manifest = run(server, tmp_path).manifest
    assert {(each.kind, each.id) for each in findings(tmp_path)} == {
        ("hole", late.id),
        ("gone", CALLS[140].id),
    }
    assert manifest.complete
    assert sorted(ids(tmp_path)) == sorted(listed(server))


def test_a_call_that_moves_from_a_day_to_be_read_to_one_that_was_is_found(tmp_path: Path) -> None:
    moved = call(400, EPOCH + timedelta(hours=5))
    # Its new day is read already, and its old one is not: in the first round, then in the second.
    server = BareServer(CALLS, {26: Change(come=[moved], go=[CALLS[400].id])})
    assert run(server, tmp_path, plan(partition="day")).manifest.complete
    assert moved.id in (tmp_path / "calls-2026-10-01.ndjson").read_text()
    assert sorted(ids(tmp_path)) == sorted(listed(server))
    back = BareServer(CALLS, {71: Change(come=[moved], go=[CALLS[400].id])})
    assert run(back, tmp_path / "b").manifest.complete
    assert sorted(ids(tmp_path / "b")) == sorted(listed(back))


def test_a_list_that_never_holds_still_is_not_called_whole(tmp_path: Path) -> None:
    come = {
        number: Change(come=[call(9_000 + number, EPOCH + timedelta(minutes=1, seconds=number))])
        for number in range(900)
    }
    manifest = run(BareServer(CALLS, come), tmp_path, plan(partition="day")).manifest
    assert not manifest.complete
    assert manifest.readings == 6
    assert "1 of 3 slices were never the same twice in 6 readings" in manifest.notes
    assert len(ids(tmp_path)) == len(set(ids(tmp_path))) >= 432
    with pytest.raises(OtherExport, match="is not whole: --restart"):
        run(BareServer(CALLS), tmp_path, plan(partition="day"))


class Miscounting(BareServer):
    """Its total is not what it tells."""

    def _body(self, page: Sequence[Bare], limit: int, offset: int, total: int) -> bytes:
        return super()._body(page, limit, offset, total + 1)


def test_a_total_that_is_not_what_is_told_is_not_called_whole(tmp_path: Path) -> None:
    manifest = run(Miscounting(CALLS, habits=Habits(has_total=True)), tmp_path).manifest
    assert not manifest.complete
    assert manifest.notes == ["3 of 3 slices have more or fewer calls than the server counts"]


class Leaky(BareServer):
    """Between two pages of ten one call always falls through; the same each time."""

    def send(self, request: Request) -> Answer:
        params = dict(request.params)
        offset, limit = int(params["offset"]), int(params["limit"])
        if limit == 10 and offset % 10 == 0 and offset:
            params["offset"] = str(offset + 1)
            params["limit"] = "9"
        return super().send(request._replace(params=list(params.items())))


def test_a_call_that_always_falls_between_two_pages_is_found(tmp_path: Path) -> None:
    manifest = run(Leaky(CALLS), tmp_path).manifest
    assert not manifest.complete
    assert manifest.holes > 0


# --------------------------------------------------------------------------------------------------- any list

_HOURS = st.integers(0, 71)
FEW = calls(144, every=timedelta(minutes=30))


@st.composite
def _plans(draw: st.DrawFn) -> Mapping[int, Change]:
    """Calls that come and go before some of the requests, at any time of the window."""
    moments = draw(st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True))
    fresh = iter(range(9_000, 9_900))
    return {
        moment: Change(
            [
                call(next(fresh), EPOCH + timedelta(hours=hour, seconds=7))
                for hour in draw(st.lists(_HOURS, max_size=4))
            ],
            [FEW[at * 2].id for at in draw(st.lists(_HOURS, max_size=4))],
        )
        for moment in moments
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_plans())
def test_nothing_that_stood_there_all_the_time_is_missing_whatever_moved(
    plan_of: Mapping[int, Change],
) -> None:
    with TemporaryDirectory() as folder:
        out = Path(folder)
        server = BareServer(FEW, plan_of)
        manifest = run(server, out).manifest
        told = ids(out)
        assert len(told) == len(set(told)) == manifest.rows
        went = {call_id for change in plan_of.values() for call_id in change.go}
        assert {each.id for each in FEW} - went <= set(told)
        check_findings(server, out, manifest)


def check_findings(server: BareServer, out: Path, manifest: Manifest) -> None:
    """By what the server told: whatever came twice in a reading, or was missed by it, is found."""
    final: dict[int, set[str]] = {}
    expected = set()
    readings = {number: list(_readings(server, number)) for number in range(3)}
    for number, each in readings.items():
        final[number] = set(each[-1])
        for reading, told in enumerate(each, start=1):
            expected |= {("repeat", one, number, reading) for one in told if told.count(one) > 1}
            expected |= {("hole", one, number, reading) for one in final[number] - set(told)}
    found = findings(out)
    planted = {(each.kind, each.id, each.slice, each.reading) for each in found if each.kind != "gone"}
    # Calls that moved in time do not occur here, so no call is in two slices; edges may tell of some more.
    assert expected <= planted
    assert {each for each in planted - expected if each[0] == "repeat"} == set()
    assert manifest.repeats == sum(each.kind == "repeat" for each in found)
    assert manifest.holes == sum(each.kind == "hole" for each in found)


def _readings(server: BareServer, number: int) -> Iterator[list[str]]:
    """The readings of a day, from the server's own notes: each ends with an empty page."""
    begins = f"2026-10-0{number + 1}T00:00:00.000000Z"
    reading: list[str] = []
    for told in server.told[ASKED_BEFORE:]:
        if (
            told.params.get("from") == begins
            and told.params["to"] == f"2026-10-0{number + 2}T00:00:00.000000Z"
        ):
            reading += told.ids
            if not told.ids:
                yield reading
                reading = []


# ---------------------------------------------------------------------------------------------------- stopped


class Killed(BaseException):
    """Stands for the end of the process."""


class Mortal(BareServer):
    """Ends the process at one of its answers."""

    dies_at = 0

    def send(self, request: Request) -> Answer:
        if len(self.told) + 1 == self.dies_at:
            raise Killed
        return super().send(request)


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
def test_killed_at_any_answer_it_goes_on_to_the_same_bytes(tmp_path: Path, form: str) -> None:
    asked = plan(Asked("2026-10-01", "2026-10-03").window(NOW_US), format=form, limit=60, keeps_raw=True)
    whole = BareServer(CALLS)
    manifest = run(whole, tmp_path / "whole", asked).manifest
    expected = contents(tmp_path / "whole")
    assert list(damaged(tmp_path / "whole", manifest)) == []
    for dies_at in range(ASKED_BEFORE + 1, len(whole.told) + 1):
        out = tmp_path / str(dies_at)
        mortal = Mortal(CALLS)
        mortal.dies_at = dies_at
        with pytest.raises(Killed):
            run(mortal, out, asked)
        run(BareServer(CALLS), out, asked)
        assert contents(out) == expected, dies_at
