"""Export from a server of the reference page alone: every planted repeat and hole is found and corrected."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.client.errors import BadRequestError
from calltally.client.exporting.errors import NotExportable, OtherExport
from calltally.client.exporting.manifest import Manifest, find_damage
from calltally.client.exporting.request import ExportWindow, WindowOptions
from calltally.client.exporting.slices import DriftFinding
from calltally.client.wire import Answer, Request
from tests.acceptance.bare_server import EPOCH, Bare, BareServer, Change, Habits, call, calls
from tests.examples import examples
from tests.unit.client.exporting.exporting import NOW_US, RecordingListener, contents, exported, plan, run

CALLS = calls(432)
# Requests before the first reading: one call, two empty windows, a far offset, one page.
PROBE_REQUESTS = 5


def read_findings(out: Path) -> list[DriftFinding]:
    path = out / "_drift.ndjson"
    return (
        [DriftFinding(**json.loads(line)) for line in path.read_bytes().splitlines()] if path.exists() else []
    )


def exported_ids(out: Path) -> list[str]:
    return [each["id"] for each in exported(out)]


def listed(server: BareServer) -> set[str]:
    return {each.id for each in server.listed}


# --------------------------------------------------------------------------------------- stable list


def test_every_call_is_exported_once_with_its_own_bytes(tmp_path: Path) -> None:
    server = BareServer(CALLS)
    listener = RecordingListener()
    manifest = run(server, tmp_path, listener=listener).manifest
    assert sorted(exported(tmp_path), key=lambda each: each["id"]) == [each.record for each in CALLS]
    assert (manifest.complete, manifest.readings, manifest.repeats, manifest.holes) == (True, 2, 0, 0)
    assert (manifest.snapshot, manifest.revision, manifest.highest, manifest.notes) == (None, None, None, [])
    assert manifest.by_status == dict.fromkeys(("busy", "completed", "failed", "no-answer"), 108)
    assert (
        "the server has no snapshots, so every call is read at least twice and compared" in listener.messages
    )
    assert set(contents(tmp_path)) == {"calls.ndjson", "_manifest.json"}


def test_slices_determine_the_file_of_a_call(tmp_path: Path) -> None:
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
        Habits(sends_dates=True),
        Habits(indent=2),
    ],
    ids=["clamps", "refuses long pages", "has totals", "sends times", "indents"],
)
def test_details_that_the_contract_leaves_open_do_not_matter(tmp_path: Path, habits: Habits) -> None:
    manifest = run(BareServer(CALLS, habits=habits), tmp_path).manifest
    assert sorted(exported_ids(tmp_path)) == [each.id for each in CALLS]
    assert (manifest.complete, manifest.repeats, manifest.holes) == (True, 0, 0)
    assert len((tmp_path / "calls.ndjson").read_bytes().splitlines()) == 432
    assert bool(manifest.highest) == habits.sends_dates


def test_server_without_windows_can_be_exported_with_all(tmp_path: Path) -> None:
    server = BareServer(CALLS, habits=Habits(refuses=["from", "to"]))
    manifest = run(server, tmp_path, plan(ExportWindow("all", None, None))).manifest
    assert (manifest.rows, manifest.complete) == (432, True)
    with pytest.raises(NotExportable, match="use --partition with --from and --to"):
        run(server, tmp_path / "b", plan(ExportWindow("all", None, None), partition="day"))


def test_filters_are_sent_and_checked(tmp_path: Path) -> None:
    filters = (("status", "busy"), ("direction", "inbound"))
    manifest = run(BareServer(CALLS), tmp_path, plan(filters=filters)).manifest
    assert manifest.by_status == {"busy": 36}
    assert manifest.filters == {"status": ["busy"], "direction": ["inbound"]}


# ------------------------------------------------------------------------------- deviating servers


@pytest.mark.parametrize(
    ("habits", "message"),
    [
        (Habits(ignores=["from"]), "ignores from and to.*--all"),
        (Habits(ignores=["to"]), "ignores from and to"),
        (Habits(ignores=["from", "to"]), "ignores from and to"),
        (Habits(refuses=["from"]), "refuses from and to.*--all"),
        (Habits(ignores=["status"]), "ignores status: a request for status busy returned"),
    ],
)
def test_ignored_window_or_filter_is_detected(tmp_path: Path, habits: Habits, message: str) -> None:
    with pytest.raises(NotExportable, match=message):
        run(BareServer(CALLS, habits=habits), tmp_path, plan(filters=(("status", "busy"),)))
    assert not (tmp_path / "_manifest.json").exists()


def test_filter_that_cannot_be_checked_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotExportable, match="may ignore route"):
        run(BareServer(CALLS), tmp_path, plan(filters=(("route", "sales"),)))


def test_snapshot_without_time_order_is_not_used(tmp_path: Path) -> None:
    class Orderless(BareServer):
        """Server that sends a snapshot and a total, but refuses the parameter order."""

        def _body(self, page: Sequence[Bare], limit: int, offset: int, total: int) -> bytes:
            return super()._body(page, limit, offset, total)[:-1] + b', "snapshot": "s1"}'

    habits = Habits(refuses=["order"], has_total=True)
    manifest = run(Orderless(CALLS, habits=habits), tmp_path).manifest
    assert (manifest.rows, manifest.complete, manifest.snapshot, manifest.readings) == (432, True, None, 2)


def test_error_of_a_server_that_refuses_everything_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError):
        run(BareServer(CALLS, habits=Habits(refuses=["limit"])), tmp_path)


def test_ignored_offset_is_detected(tmp_path: Path) -> None:
    with pytest.raises(NotExportable, match="ignores offset"):
        run(BareServer(CALLS, habits=Habits(ignores=["offset"])), tmp_path)


def test_inclusive_end_is_reported_and_corrected(tmp_path: Path) -> None:
    server = BareServer([*CALLS, call(432, EPOCH + timedelta(days=3))], habits=Habits(takes_end=True))
    manifest = run(server, tmp_path).manifest
    assert sorted(exported_ids(tmp_path)) == [each.id for each in CALLS]
    assert [(each.kind, each.id, each.slice) for each in read_findings(tmp_path)] == [
        ("repeat", CALLS[144].id, 1),
        ("repeat", CALLS[288].id, 2),
    ]
    assert manifest.complete


def test_exclusive_start_is_reported_and_corrected(tmp_path: Path) -> None:
    manifest = run(BareServer(CALLS, habits=Habits(leaves_start=True)), tmp_path).manifest
    assert sorted(exported_ids(tmp_path)) == [each.id for each in CALLS]
    assert [(each.kind, each.id, each.slice) for each in read_findings(tmp_path)] == [
        ("hole", CALLS[number].id, number // 144) for number in (0, 144, 288)
    ]
    assert manifest.complete


# ------------------------------------------------------------------------------------------ changing list


def test_removed_calls_cause_holes_that_are_found(tmp_path: Path) -> None:
    # Newest first: 143, 142 ... The third page of the first day begins two calls too late.
    gone = [CALLS[number].id for number in (140, 135)]
    manifest = run(BareServer(CALLS, {PROBE_REQUESTS + 3: Change(go=gone)}), tmp_path).manifest
    skipped = [CALLS[number].id for number in (122, 123)]
    assert [(each.kind, each.id, each.slice, each.reading) for each in read_findings(tmp_path)] == [
        ("gone", gone[1], 0, 1),
        ("gone", gone[0], 0, 1),
        *(("hole", call_id, 0, 1) for call_id in skipped),
    ]
    assert (manifest.holes, manifest.repeats, manifest.complete, manifest.readings) == (2, 0, True, 3)
    assert "2 times a reading had a call that the last reading does not have" in manifest.notes
    assert set(exported_ids(tmp_path)) == {each.id for each in CALLS} - set(gone)


def test_late_calls_cause_repeats_that_are_found(tmp_path: Path) -> None:
    late = [call(9_000 + number, EPOCH + timedelta(hours=23, minutes=51 + number)) for number in range(3)]
    server = BareServer(CALLS, {PROBE_REQUESTS + 3: Change(come=late)}, Habits(has_total=True))
    manifest = run(server, tmp_path).manifest
    repeated = [CALLS[number].id for number in (124, 125, 126)]
    assert [(each.kind, each.id, each.slice, each.reading) for each in read_findings(tmp_path)] == [
        *(("hole", each.id, 0, 1) for each in late),
        *(("repeat", call_id, 0, 1) for call_id in repeated),
    ]
    assert (manifest.holes, manifest.repeats, manifest.complete) == (3, 3, True)
    assert "the server's total changed in 1 of 3 slices" in manifest.notes
    assert sorted(exported_ids(tmp_path)) == sorted(listed(server))


def test_equal_numbers_of_added_and_removed_calls_are_found(tmp_path: Path) -> None:
    late = call(9_000, EPOCH + timedelta(hours=23, minutes=51))
    server = BareServer(
        CALLS, {PROBE_REQUESTS + 3: Change(come=[late], go=[CALLS[140].id])}, Habits(has_total=True)
    )
    manifest = run(server, tmp_path).manifest
    assert {(each.kind, each.id) for each in read_findings(tmp_path)} == {
        ("hole", late.id),
        ("gone", CALLS[140].id),
    }
    assert manifest.complete
    assert sorted(exported_ids(tmp_path)) == sorted(listed(server))


def test_call_that_moves_to_a_day_already_read_is_found(tmp_path: Path) -> None:
    moved = call(400, EPOCH + timedelta(hours=5))
    # Its new day is already read and its old day is not, in the first round and then in the second.
    server = BareServer(CALLS, {26: Change(come=[moved], go=[CALLS[400].id])})
    assert run(server, tmp_path, plan(partition="day")).manifest.complete
    assert moved.id in (tmp_path / "calls-2026-10-01.ndjson").read_text()
    assert sorted(exported_ids(tmp_path)) == sorted(listed(server))
    back = BareServer(CALLS, {71: Change(come=[moved], go=[CALLS[400].id])})
    assert run(back, tmp_path / "b").manifest.complete
    assert sorted(exported_ids(tmp_path / "b")) == sorted(listed(back))


def test_list_that_always_changes_is_incomplete(tmp_path: Path) -> None:
    come = {
        number: Change(come=[call(9_000 + number, EPOCH + timedelta(minutes=1, seconds=number))])
        for number in range(900)
    }
    manifest = run(BareServer(CALLS, come), tmp_path, plan(partition="day")).manifest
    assert not manifest.complete
    assert manifest.readings == 6
    assert "1 of 3 slices had no two equal readings in 6 readings" in manifest.notes
    assert len(exported_ids(tmp_path)) == len(set(exported_ids(tmp_path))) >= 432
    with pytest.raises(OtherExport, match=r"is incomplete; .* --restart"):
        run(BareServer(CALLS), tmp_path, plan(partition="day"))


class Miscounting(BareServer):
    """Server whose total differs from its number of calls."""

    def _body(self, page: Sequence[Bare], limit: int, offset: int, total: int) -> bytes:
        return super()._body(page, limit, offset, total + 1)


def test_export_with_a_wrong_total_is_incomplete(tmp_path: Path) -> None:
    manifest = run(Miscounting(CALLS, habits=Habits(has_total=True)), tmp_path).manifest
    assert not manifest.complete
    assert manifest.notes == ["3 of 3 slices have another number of calls than the server's total"]


class Leaky(BareServer):
    """Server that always omits the same call between two pages of ten."""

    def send(self, request: Request) -> Answer:
        params = dict(request.params)
        offset, limit = int(params["offset"]), int(params["limit"])
        if limit == 10 and offset % 10 == 0 and offset:
            params["offset"] = str(offset + 1)
            params["limit"] = "9"
        return super().send(request._replace(params=list(params.items())))


def test_call_that_always_falls_between_two_pages_is_found(tmp_path: Path) -> None:
    manifest = run(Leaky(CALLS), tmp_path).manifest
    assert not manifest.complete
    assert manifest.holes > 0


# ------------------------------------------------------------------------------------------------ any changes

_HOURS = st.integers(0, 71)
FEW = calls(144, every=timedelta(minutes=30))


@st.composite
def _plans(draw: st.DrawFn) -> Mapping[int, Change]:
    """Calls that are added and removed before some requests, at any time in the window."""
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


@settings(max_examples=examples(10))
@given(_plans())
def test_no_permanent_call_is_missing_after_any_changes(
    changes: Mapping[int, Change],
) -> None:
    with TemporaryDirectory() as folder:
        out = Path(folder)
        server = BareServer(FEW, changes)
        manifest = run(server, out).manifest
        reading_ids = exported_ids(out)
        assert len(reading_ids) == len(set(reading_ids)) == manifest.rows
        removed = {call_id for change in changes.values() for call_id in change.go}
        assert {each.id for each in FEW} - removed <= set(reading_ids)
        check_findings(server, out, manifest)


def check_findings(server: BareServer, out: Path, manifest: Manifest) -> None:
    """Compare with the responses of the server: every repeat and hole of a reading is found."""
    final: dict[int, set[str]] = {}
    expected = set()
    readings = {number: list(_readings(server, number)) for number in range(3)}
    for number, each in readings.items():
        final[number] = set(each[-1])
        for reading, reading_ids in enumerate(each, start=1):
            expected |= {
                ("repeat", one, number, reading) for one in reading_ids if reading_ids.count(one) > 1
            }
            expected |= {("hole", one, number, reading) for one in final[number] - set(reading_ids)}
    found = read_findings(out)
    planted = {(each.kind, each.id, each.slice, each.reading) for each in found if each.kind != "gone"}
    # No call moves in time here, so none is in two slices. The boundary check may add findings.
    assert expected <= planted
    assert {each for each in planted - expected if each[0] == "repeat"} == set()
    assert manifest.repeats == sum(each.kind == "repeat" for each in found)
    assert manifest.holes == sum(each.kind == "hole" for each in found)


def _readings(server: BareServer, number: int) -> Iterator[list[str]]:
    """Yield the readings of a day from the record of the server: each ends with an empty page."""
    begins = f"2026-10-0{number + 1}T00:00:00.000000Z"
    reading: list[str] = []
    for response in server.reported[PROBE_REQUESTS:]:
        if (
            response.params.get("from") == begins
            and response.params["to"] == f"2026-10-0{number + 2}T00:00:00.000000Z"
        ):
            reading += response.ids
            if not response.ids:
                yield reading
                reading = []


# ---------------------------------------------------------------------------------------------- interruptions


class Killed(BaseException):
    """End of the process."""


class KillingServer(BareServer):
    """Server that ends the process at one of its responses."""

    killed_at = 0

    def send(self, request: Request) -> Answer:
        if len(self.reported) + 1 == self.killed_at:
            raise Killed
        return super().send(request)


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
def test_export_killed_at_any_response_resumes_to_the_same_bytes(tmp_path: Path, form: str) -> None:
    export_plan = plan(
        WindowOptions("2026-10-01", "2026-10-03").window(NOW_US), format=form, limit=60, keeps_raw=True
    )
    whole = BareServer(CALLS)
    manifest = run(whole, tmp_path / "whole", export_plan).manifest
    expected = contents(tmp_path / "whole")
    assert list(find_damage(tmp_path / "whole", manifest)) == []
    for killed_at in range(PROBE_REQUESTS + 1, len(whole.reported) + 1):
        out = tmp_path / str(killed_at)
        server = KillingServer(CALLS)
        server.killed_at = killed_at
        with pytest.raises(Killed):
            run(server, out, export_plan)
        run(BareServer(CALLS), out, export_plan)
        assert contents(out) == expected, killed_at
