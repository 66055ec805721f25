"""Our calls from the folder of an export, whatever its format; what cannot be compared is refused."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.model import CALL_FIELDS
from calltally.calls.windows import Window
from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.manifest import Amended, Link, Manifest, write_manifest
from calltally.formats.table import FORMATS
from calltally.reconcile.calls_side import CallState
from calltally.reconcile.export_folder import open_export

CREATED = "2026-10-01T00:00:00.000000Z"
CREATED_US = 1_790_812_800_000_000
SIDS = ("CA1", "=1+1", "'=1", "+15550100", "a,b")


def record(number: int) -> bytes:
    told: dict[str, Any] = dict.fromkeys(CALL_FIELDS) | {
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
    return msgspec.json.encode(told)


def manifest(name: str, **more: object) -> Manifest:
    told: dict[str, Any] = {
        "source": "https://calls.example.com",
        "window": {"from": "2026-10-01T00:00:00.000000Z", "to": "2026-11-01T00:00:00.000000Z"},
        "filters": {},
        "format": "ndjson",
        "partition": "none",
        "complete": True,
        "rows": len(SIDS),
        "by_status": {"busy": len(SIDS)},
        "snapshot": "s",
        "revision": 9,
        "highest": None,
        "readings": 1,
        "repeats": 0,
        "holes": 0,
        "notes": [],
        "files": [FileState(name, len(SIDS), 1, "0" * 64), FileState("gone.ndjson", 1, 1, "0" * 64)],
    }
    return Manifest(**(told | more))


def exported(folder: Path, format_name: str) -> Path:
    writer = FORMATS[format_name].new_writer(None)
    name = f"calls{FORMATS[format_name].suffix}"
    records = b",\n".join(map(record, range(len(SIDS))))
    (folder / name).write_bytes(writer.begin() + writer.add(records) + writer.end())
    write_manifest(folder, manifest(name))
    return folder


@pytest.mark.parametrize("format_name", ["ndjson", "csv", "parquet"])
def test_each_format_gives_the_same_states(tmp_path: Path, format_name: str) -> None:
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


def test_the_window_and_the_revision_are_those_of_the_manifest(tmp_path: Path) -> None:
    found = open_export(exported(tmp_path, "ndjson"))
    assert found.window == Window(CREATED_US, CREATED_US + 31 * 86_400_000_000)
    assert found.manifest.revision == 9


def test_an_export_of_all_calls_has_no_window(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest("calls.ndjson", window={"from": None, "to": None}))
    assert open_export(tmp_path).window is None


def test_an_erased_call_has_no_state(tmp_path: Path) -> None:
    erased = (
        b'{"id":"00000000-0000-8000-8000-000000000009","created_at":"2026-10-01T00:00:00Z","erased":true}'
    )
    (tmp_path / "calls.ndjson").write_bytes(erased + b"\n" + record(0) + b"\n")
    write_manifest(tmp_path, manifest("calls.ndjson"))
    assert [state.call_sid for state in open_export(tmp_path).states()] == ["CA1"]


AMENDED = Amended(Link("../manifest.json", "0" * 64), 1, 1, 1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"complete": False}, "is not complete"),
        ({"amends": AMENDED}, "amends another export"),
        ({"filters": {"status": ["busy"]}}, "leaves out calls (status)"),
    ],
)
def test_an_export_that_does_not_have_all_calls_is_refused(
    tmp_path: Path, told: dict[str, Any], words: str
) -> None:
    write_manifest(tmp_path, manifest("calls.ndjson", **told))
    with pytest.raises(InvalidInput, match=words.replace("(", r"\(").replace(")", r"\)")):
        open_export(tmp_path)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="name the folder of `calltally export`"):
        open_export(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("calls.ndjson", b'{"id":5}\n', "is not as the export wrote it"),
        ("calls.csv", b'id,call_sid\r\n"1,2\r\n', "is not as the export wrote it"),
        ("calls.parquet", b"PAR1", "is not as the export wrote it"),
        ("calls.arrows", b"", "cannot be read here"),
        ("calls-missing.ndjson", None, "is not as the export wrote it"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    write_manifest(tmp_path, manifest(name))
    with pytest.raises(InvalidInput, match=words) as raised:
        list(open_export(tmp_path).states())
    assert name in raised.value.detail
