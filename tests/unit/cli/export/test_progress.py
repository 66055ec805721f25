"""Output of an export on terminals of 80 and 140 columns, and without a terminal."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rich.console import Console

from calltally.cli.export.progress import ExportView, amendment, summary
from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.manifest import AmendmentSummary, Manifest, ManifestLink

ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


def manifest(**fields: Any) -> Manifest:  # noqa: ANN401 (fields of any type)
    defaults: dict[str, Any] = {
        "source": "https://calls.example.com",
        "window": {"from": "2026-10-01T00:00:00.000000Z", "to": "2026-11-01T12:30:00.000000Z"},
        "filters": {},
        "format": "csv",
        "partition": "none",
        "complete": True,
        "rows": 1_000,
        "by_status": {"busy": 250, "completed": 750},
        "snapshot": "s1",
        "revision": 12_345,
        "highest": None,
        "readings": 1,
        "repeats": 0,
        "holes": 0,
        "notes": [],
        "files": [FileState("calls.csv", 1_000, 1_234_567, "0" * 64)],
    }
    return Manifest(**defaults | fields)


def test_summary_of_complete_export() -> None:
    assert list(summary(manifest(), "october", width=80)) == [
        "1,000 calls from 2026-10-01 to 2026-11-01T12:30:00Z",
        "1 file of csv, 1.2 MB, in october",
        "  completed             750   75.0%",
        "  busy                  250   25.0%",
        "as of     snapshot s1, revision 12,345",
        "complete  yes: as many calls as the server counts under this snapshot; files checked by SHA-256",
    ]
    wide = list(summary(manifest(), "october", width=140))
    assert wide[2] == "  completed             750   75.0%  " + "█" * 18
    assert max(map(len, wide)) < 140


def test_summary_of_moved_and_incomplete_export() -> None:
    fields: dict[str, Any] = {
        "snapshot": None,
        "revision": None,
        "readings": 3,
        "window": {"from": None, "to": None},
    }
    moved = list(
        summary(manifest(repeats=1, holes=2, notes=["the total moved"], files=[], **fields), "o", width=80)
    )
    assert moved[:2] == ["1,000 calls of all time", "0 files of csv, 0 bytes, in o"]
    assert moved[-3:] == [
        "moved     1 repeats and 2 holes in 3 readings; _drift.ndjson names each",
        "note      the total moved",
        "complete  yes: the last two of 3 readings agree; files checked by SHA-256",
    ]
    torn = list(summary(manifest(complete=False, **fields), "o", width=80))
    assert torn[-1].startswith("complete  NO: see above.")


def test_summary_of_amendment() -> None:
    amended = manifest(amends=AmendmentSummary(ManifestLink("_manifest.json", "0" * 64), 1, 2, 3))
    assert list(amendment(amended, "o/_amendments/0001")) == [
        "since then: 1 added, 2 changed, 3 removed",
        "1 file of csv, 1.2 MB, in o/_amendments/0001",
        "The earlier files are unchanged: these calls replace the earlier calls with the same ids.",
    ]
    assert list(amendment(manifest(), "o")) == []


@contextmanager
def terminal(columns: int) -> Iterator[Any]:
    """Yield a console on a terminal of so many columns, and its captured output."""
    output = io.StringIO()
    yield Console(file=output, force_terminal=True, width=columns, color_system=None), output


@pytest.mark.parametrize("columns", [80, 140])
def test_bar_fits_on_one_line(columns: int) -> None:
    with terminal(columns) as (console, output):
        view = ExportView(console=console)
        with view:
            view.begin("exporting", 500_000, 100_000)
            view.advance(1_000)
            view.advance(1_000)
            view.notify("the server has no snapshots")
            view.begin("verifying", None)
        lines = output.getvalue()
    assert "100,000 of 500,000 calls" in lines
    assert "the server has no snapshots" in lines
    assert max(len(ESCAPES.sub("", line)) for line in re.split(r"[\r\n]", lines)) <= columns


def test_no_bar_without_terminal_and_no_output_if_quiet() -> None:
    output = io.StringIO()
    for is_quiet in (False, True):
        with ExportView(is_quiet=is_quiet, console=Console(file=output)) as view:
            view.advance(1)
            view.begin("exporting", 10)
            view.advance(1)
            view.notify("resuming after 3 calls")
    assert output.getvalue() == "resuming after 3 calls\n"
