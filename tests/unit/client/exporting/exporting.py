"""Helpers for exports in one process: servers as objects, and a listener that records messages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calltally.client.exporting.exported_state import ExportLayer
from calltally.client.exporting.output import ExportFolder, ExportRun
from calltally.client.exporting.pages import ExportSource, RequestSender
from calltally.client.exporting.request import ExportPlan, ExportWindow, WindowOptions
from calltally.client.exporting.runs import RerunMode, exclusive_access, run_export
from calltally.client.problems import error_from_answer
from calltally.client.wire import Answer, Request
from tests.unit.formats.records import plain

NOW_US = 1_900_000_000_000_000
DAYS = WindowOptions("2026-10-01", "2026-10-04").window(NOW_US)


class RecordingListener:
    """Progress listener that records messages and counts calls."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.rows = 0

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        del total
        self.messages.append(f"{what} {done}")

    def advance(self, rows: int) -> None:
        self.rows += rows

    def notify(self, text: str) -> None:
        self.messages.append(text)


class SnapshotServer:
    """Server with snapshots of calls that never change. Subclasses change its responses."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self.records = list(records)
        self.requests: list[dict[str, str]] = []
        self.status = 200

    def send(self, request: Request) -> Answer:
        params = dict(request.params)
        self.requests.append(params)
        if self.status != 200:
            problem = json.dumps({"type": "/docs/problems#snapshot-gone", "detail": "it is too old"}).encode()
            answer = Answer(self.status, {"content-type": "application/problem+json"}, problem)
            raise error_from_answer(request, answer, 0.0)
        limit, offset = int(params["limit"]), int(params["offset"])
        page = self.page(offset, limit)
        tail = {"limit": limit, "offset": offset, "total": self.total(offset), "snapshot": "s1"}
        body = b'{"data":[%b],%b' % (b",\n".join(page), json.dumps(tail).encode()[1:])
        return Answer(200, {}, body)

    def page(self, offset: int, limit: int) -> Sequence[bytes]:
        return self.records[offset : offset + limit]

    def total(self, offset: int) -> int:
        del offset
        return len(self.records)


def snapshot_records(count: int) -> list[bytes]:
    """Return calls of three days in order, with their numbers as ids."""
    return [
        plain(
            id=f"{number:08d}-0000-8000-8000-000000000000",
            created_at=f"2026-10-0{1 + number * 3 // count}T00:00:{number % 60:02}.{number:06d}Z",
            status=("completed", "busy", "no-answer")[number % 3],
            summary='Said "=1+1", and left\nin a hurry.',
        )
        for number in sorted(range(count), key=lambda number: (number * 3 // count, number % 60, number))
    ]


def plan(window: ExportWindow = DAYS, **fields: Any) -> ExportPlan:  # noqa: ANN401 (any of the plan's own)
    return ExportPlan("http://bare.example", window, **{"limit": 10, **fields})


def run(
    sender: RequestSender,
    out: Path,
    export_plan: ExportPlan | None = None,
    *,
    listener: RecordingListener | None = None,
    rerun: RerunMode = RerunMode.AMEND,
) -> ExportLayer:
    """Export into a folder, or resume the export there."""
    folder = ExportFolder(out, out / "export.checkpoint")
    with exclusive_access(folder):
        progress = listener or RecordingListener()
        return run_export(ExportRun(ExportSource(sender), export_plan or plan(), folder, progress), rerun)


def contents(out: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, without the locks."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def exported(out: Path) -> list[Any]:
    """Return the calls of all NDJSON files in order."""
    return [
        json.loads(line)
        for path in sorted(out.glob("calls*.ndjson"))
        for line in path.read_bytes().splitlines()
    ]
