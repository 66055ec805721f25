"""An export in one process: servers that are objects, and a watcher that takes notes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calltally.client.exporting.exported_state import Layer
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.output import Folder
from calltally.client.exporting.pages import Sender
from calltally.client.exporting.request import Asked, Plan, Window
from calltally.client.exporting.runs import Again, held, run_job
from calltally.client.problems import error_of
from calltally.client.wire import Answer, Request
from tests.unit.formats.records import plain

NOW_US = 1_900_000_000_000_000
DAYS = Asked("2026-10-01", "2026-10-04").window(NOW_US)


class Notes:
    """What was said, and how many calls there were to look on at."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.rows = 0

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        del total
        self.said.append(f"{what} {done}")

    def advance(self, rows: int) -> None:
        self.rows += rows

    def say(self, text: str) -> None:
        self.said.append(text)


class HeldServer:
    """A server with snapshots, of calls that never change. `spoil` may change an answer on its way."""

    def __init__(self, records: Sequence[bytes]) -> None:
        self.records = list(records)
        self.asked: list[dict[str, str]] = []
        self.status = 200

    def send(self, request: Request) -> Answer:
        params = dict(request.params)
        self.asked.append(params)
        if self.status != 200:
            problem = json.dumps({"type": "/docs/problems#snapshot-gone", "detail": "it is too old"}).encode()
            answer = Answer(self.status, {"content-type": "application/problem+json"}, problem)
            raise error_of(request, answer, 0.0)
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


def held_records(count: int) -> list[bytes]:
    """Calls of three days, in order; their numbers are their ids."""
    return [
        plain(
            id=f"{number:08d}-0000-8000-8000-000000000000",
            created_at=f"2026-10-0{1 + number * 3 // count}T00:00:{number % 60:02}.{number:06d}Z",
            status=("completed", "busy", "no-answer")[number % 3],
            summary='Said "=1+1", and left\nin a hurry.',
        )
        for number in sorted(range(count), key=lambda number: (number * 3 // count, number % 60, number))
    ]


def plan(window: Window = DAYS, **fields: Any) -> Plan:  # noqa: ANN401 (any of the plan's own)
    return Plan("http://bare.example", window, **{"limit": 10, **fields})


def run(
    sender: Sender,
    out: Path,
    asked: Plan | None = None,
    *,
    notes: Notes | None = None,
    again: Again = Again.AMEND,
) -> Layer:
    """Export into a folder, or go on with it."""
    folder = Folder(out, out / "export.checkpoint")
    with held(folder):
        return run_job(Source(sender), asked or plan(), folder, notes or Notes(), again=again)


def contents(out: Path) -> dict[str, bytes]:
    """Every file below a folder, but for the lock."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def exported(out: Path) -> list[Any]:
    """The calls of all NDJSON files, in their order."""
    return [
        json.loads(line)
        for path in sorted(out.glob("calls*.ndjson"))
        for line in path.read_bytes().splitlines()
    ]
