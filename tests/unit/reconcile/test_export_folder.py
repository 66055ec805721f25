"""Calls from an export folder in all formats, and refused exports."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.export_formats import FORMATS
from calltally.calls.model import CALL_FIELDS
from calltally.calls.windows import TimeWindow
from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.manifest import AmendmentSummary, Manifest, ManifestLink, write_manifest
from calltally.formats.writers import new_writer
from calltally.reconcile.call_states import CallState
from calltally.reconcile.export_folder import open_export

CREATED = "2026-10-01T00:00:00.000000Z"
CREATED_US = 1_790_812_800_000_000
SIDS = ("CA1", "=1+1", "'=1", "+15550100", "a,b")


def record(number: int) -> bytes:
    fields: dict[str, Any] = dict.fromkeys(CALL_FIELDS) | {
        "id": f"00000000-0000-8000-8000-{number:012d}",
        "call_sid": SIDS[number],
        "direction": "inbound",
        "status": "busy",
        "duration_seconds": number,
        "escalated": number % 2 == 1,
        "summary": "Two\nlines",
        "created_at": CREATED,
        "tags": [],
        "conflicts": 0,
        "revision": number + 1,
        "updated_at": CREATED,
    }
    return msgspec.json.encode(fields)


def state(path: Path, rows: int) -> FileState:
    content = path.read_bytes() if path.exists() else b""
    return FileState(path.name, rows, len(content), hashlib.sha256(content).hexdigest())


def manifest(path: Path, rows: int = len(SIDS), **more: object) -> Manifest:
    fields: dict[str, Any] = {
        "source": "https://calls.example.com",
        "window": {"from": "2026-10-01T00:00:00.000000Z", "to": "2026-11-01T00:00:00.000000Z"},
        "filters": {},
        "format": "ndjson",
        "partition": "none",
        "complete": True,
        "rows": rows,
        "by_status": {"busy": rows},
        "snapshot": "s",
        "revision": 9,
        "highest": None,
        "readings": 1,
        "repeats": 0,
        "holes": 0,
        "notes": [],
        "files": [state(path, rows)],
    }
    return Manifest(**(fields | more))


def exported(folder: Path, format_name: str) -> Path:
    writer = new_writer(FORMATS[format_name])
    name = f"calls{FORMATS[format_name].suffix}"
    records = b"\n".join(map(record, range(len(SIDS))))
    (folder / name).write_bytes(writer.begin() + writer.add(records) + writer.end())
    gone = folder / "gone.ndjson"
    gone.write_bytes(b'{"found":"gone"}\n')
    write_manifest(folder, manifest(folder / name, files=[state(folder / name, len(SIDS)), state(gone, 1)]))
    return folder


@pytest.mark.parametrize("format_name", ["ndjson", "csv", "parquet"])
def test_all_formats_give_the_same_states(tmp_path: Path, format_name: str) -> None:
    states = list(open_export(exported(tmp_path, format_name)).states())
    assert states == [
        CallState(
            f"00000000-0000-8000-8000-{number:012d}",
            sid,
            "busy",
            number,
            CREATED_US,
            number + 1,
            CREATED_US,
            "inbound",
            None,
            number % 2 == 1,
        )
        for number, sid in enumerate(SIDS)
    ]


def test_window_and_revision_come_from_the_manifest(tmp_path: Path) -> None:
    found = open_export(exported(tmp_path, "ndjson"))
    assert found.window == TimeWindow(CREATED_US, CREATED_US + 31 * 86_400_000_000)
    assert found.revision == 9


def test_export_of_all_calls_has_no_window(tmp_path: Path) -> None:
    write_manifest(
        tmp_path, manifest(tmp_path / "calls.ndjson", 0, files=[], window={"from": None, "to": None})
    )
    assert open_export(tmp_path).window is None


def test_erased_call_has_no_state(tmp_path: Path) -> None:
    erased = (
        b'{"id":"00000000-0000-8000-8000-000000000009","created_at":"2026-10-01T00:00:00Z","erased":true}'
    )
    (tmp_path / "calls.ndjson").write_bytes(erased + b"\n" + record(0) + b"\n")
    write_manifest(tmp_path, manifest(tmp_path / "calls.ndjson", 2))
    assert [state.call_sid for state in open_export(tmp_path).states()] == ["CA1"]


AMENDED = AmendmentSummary(ManifestLink("../_manifest.json", "0" * 64), 1, 1, 1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"complete": False}, "is not complete"),
        ({"amends": AMENDED}, "amends another export"),
        ({"filters": {"status": ["busy"]}}, "is filtered (status)"),
    ],
)
def test_export_without_all_calls_is_refused(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    write_manifest(tmp_path, manifest(tmp_path / "calls.ndjson", 0, **fields))
    with pytest.raises(InvalidInput, match=words.replace("(", r"\(").replace(")", r"\)")):
        open_export(tmp_path)


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="use a folder of `calltally export`"):
        open_export(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("calls.ndjson", b'{"id":5}\n', "was changed after the export"),
        ("calls.csv", b'id,call_sid\r\n"1,2\r\n', "was changed after the export"),
        ("calls.parquet", b"PAR1", "was changed after the export"),
        ("calls.arrows", b"", "cannot be compared"),
    ],
)
def test_unreadable_file_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    write_manifest(tmp_path, manifest(tmp_path / name))
    with pytest.raises(InvalidInput, match=words) as raised:
        list(open_export(tmp_path).states())
    assert name in raised.value.detail


# --------------------------------------------------------------------------------------------- amendments


def amend(folder: Path, number: int, calls: list[bytes], gone: list[bytes]) -> Path:
    """Write an amendment of the last layer."""
    base = folder / "_amendments" / f"{number - 1:04d}" if number > 1 else folder
    layer = folder / "_amendments" / f"{number:04d}"
    layer.mkdir(parents=True)
    files = []
    for name, lines in (("calls.ndjson", calls), ("gone.ndjson", gone)):
        if lines:
            (layer / name).write_bytes(b"".join(line + b"\n" for line in lines))
            files.append(state(layer / name, len(lines)))
    link = ManifestLink("_manifest.json", hashlib.sha256((base / "_manifest.json").read_bytes()).hexdigest())
    fields = {
        "files": files,
        "revision": 9 + number,
        "amends": AmendmentSummary(link, 0, len(calls), len(gone)),
    }
    write_manifest(layer, manifest(layer / "calls.ndjson", len(calls), **fields))
    return layer


def gone(number: int) -> bytes:
    return msgspec.json.encode({"id": msgspec.json.decode(record(number))["id"], "reason": "left"})


def test_last_amendment_of_a_call_counts(tmp_path: Path) -> None:
    folder = exported(tmp_path, "ndjson")
    erased = b'{"id":"00000000-0000-8000-8000-000000000002","created_at":"2026-10-01T00:00:00Z"}'
    amend(folder, 1, [record(0).replace(b'"busy"', b'"failed"'), erased], [gone(1), gone(3)])
    amend(folder, 2, [record(3).replace(b'"busy"', b'"canceled"')], [])
    found = open_export(folder)
    assert found.revision == 11
    assert [(call.call_sid, call.status) for call in found.states()] == [
        (SIDS[0], "failed"),
        (SIDS[3], "canceled"),
        (SIDS[4], "busy"),
    ]


def test_missing_amendment_is_refused(tmp_path: Path) -> None:
    folder = exported(tmp_path, "ndjson")
    amend(folder, 1, [record(0)], [])
    amend(folder, 2, [record(1)], [])
    (folder / "_amendments" / "0001").rename(tmp_path / "away")
    with pytest.raises(InvalidInput, match="0002 does not amend the previous export"):
        open_export(folder)


@pytest.mark.parametrize("number", [0, 1])
def test_changed_or_missing_files_are_refused(tmp_path: Path, number: int) -> None:
    folder = exported(tmp_path, "ndjson")
    layer = (folder, amend(folder, 1, [record(0)], []))[number]
    with (layer / "calls.ndjson").open("ab") as file:
        file.write(record(1) + b"\n")
    with pytest.raises(InvalidInput, match=r"calls.ndjson was changed; export it again"):
        open_export(folder)
    (layer / "calls.ndjson").unlink()
    with pytest.raises(InvalidInput, match=r"calls.ndjson is missing"):
        open_export(folder)


DAY_US = 86_400_000_000


def test_window_must_be_inside_the_export(tmp_path: Path) -> None:
    found = open_export(exported(tmp_path, "ndjson"))
    inside = TimeWindow(CREATED_US, CREATED_US + 31 * DAY_US)
    assert found.check_window(inside) == inside
    for outside in (
        TimeWindow(CREATED_US - 1, CREATED_US + 1),
        TimeWindow(CREATED_US, CREATED_US + 32 * DAY_US),
    ):
        with pytest.raises(InvalidInput, match=r"is from 2026-10-01T.* to 2026-11-01T"):
            found.check_window(outside)


def test_any_window_is_inside_an_export_of_all_calls(tmp_path: Path) -> None:
    fields = manifest(tmp_path / "calls.ndjson", 0, files=[], window={"from": None, "to": None})
    write_manifest(tmp_path, fields)
    window = TimeWindow(0, CREATED_US)
    assert open_export(tmp_path).check_window(window) == window
