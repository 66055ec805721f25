"""A server of the reference page, and of nothing else: written from that page alone, as a stranger would.

Seven fields, newest first, limit and offset, status, direction, from and to. No snapshot, no Link, no time of
a call. Its list can move between two requests, as planned; what it told in each is kept, to compare with.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from calltally.client.problems import error_from_answer
from calltally.client.wire import Answer, Request

KEY = "bare-key"
EPOCH = datetime(2026, 10, 1, tzinfo=UTC)
STATUSES = ("completed", "no-answer", "busy", "failed")


class Bare(NamedTuple):
    """A call: its time, which it never tells, and what it tells."""

    at: datetime
    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["id"])


def call(number: int, at: datetime) -> Bare:
    """A call like the page's example."""
    status = STATUSES[number % len(STATUSES)]
    return Bare(
        at,
        {
            "id": f"550e8400-e29b-41d4-a716-{number:012d}",
            "call_sid": f"CA{number:032d}",
            "direction": ("outbound", "inbound")[number % 3 == 0],
            "status": status,
            "duration_seconds": 142 if status == "completed" else 0,
            "escalated": False,
            "summary": "Customer confirmed appointment time.",
        },
    )


def calls(count: int, *, every: timedelta = timedelta(minutes=10)) -> list[Bare]:
    """So many calls from 1 October on."""
    return [call(number, EPOCH + number * every) for number in range(count)]


class Change(NamedTuple):
    """Change of the list before a request: new calls, and removed ids."""

    come: Sequence[Bare] = ()
    go: Sequence[str] = ()


class Reported(NamedTuple):
    """One answer: what was asked, and the ids that it had."""

    params: Mapping[str, str]
    ids: Sequence[str]


class Habits(NamedTuple):
    """Choices that the page leaves open. `ignores` have no effect, `refuses` are answered with 400."""

    ignores: Sequence[str] = ()
    refuses: Sequence[str] = ()
    has_total: bool = False
    most: int = 1_000
    clamps: bool = False
    takes_end: bool = False
    leaves_start: bool = False
    sends_dates: bool = False
    indent: int | None = None


class BareServer:
    """The list and its answers. Requests count from 1; `plan` says what happens before which."""

    def __init__(
        self, listed: Sequence[Bare], plan: Mapping[int, Change] | None = None, habits: Habits | None = None
    ) -> None:
        self.listed = list(listed)
        self.plan = dict(plan or {})
        self.habits = habits or Habits()
        self.reported: list[Reported] = []

    def send(self, request: Request) -> Answer:
        """As a client sends it."""
        status, body = self.answer(dict(request.params))
        answer = Answer(status, {"content-type": "application/json"}, body)
        if not answer.is_good:
            raise error_from_answer(request, answer, 0.0)
        return answer

    def answer(self, params: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body."""
        change = self.plan.get(len(self.reported) + 1, Change())
        self.listed = [each for each in self.listed if each.id not in set(change.go)] + list(change.come)
        if refused := [name for name in params if name in self.habits.refuses]:
            self.reported.append(Reported(params, ()))
            return 400, json.dumps({"error": f"unknown parameter {refused[0]}"}).encode()
        requested = {name: value for name, value in params.items() if name not in self.habits.ignores}
        limit = int(requested.get("limit", "25"))
        if limit > self.habits.most and not self.habits.clamps:
            self.reported.append(Reported(params, ()))
            return 400, b'{"error": "limit is too large"}'
        limit, offset = min(limit, self.habits.most), int(requested.get("offset", "0"))
        found = self._found(requested)
        page = found[offset : offset + limit]
        self.reported.append(Reported(params, [each.id for each in page]))
        return 200, self._body(page, limit, offset, len(found))

    def _body(self, page: Sequence[Bare], limit: int, offset: int, total: int) -> bytes:
        data = [
            {**each.record, "created_at": each.at.isoformat()} if self.habits.sends_dates else each.record
            for each in page
        ]
        outer: dict[str, Any] = {"data": data, "limit": limit, "offset": offset}
        outer |= {"total": total} if self.habits.has_total else {}
        return json.dumps(outer, indent=self.habits.indent).encode()

    def _found(self, requested: Mapping[str, str]) -> list[Bare]:
        found = [
            each
            for each in self.listed
            if self._in_window(each, requested)
            and all(
                each.record[name] == requested[name] for name in ("status", "direction") if name in requested
            )
        ]
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)

    def _in_window(self, each: Bare, requested: Mapping[str, str]) -> bool:
        begins = (
            datetime.fromisoformat(requested["from"])
            if "from" in requested
            else datetime.min.replace(tzinfo=UTC)
        )
        ends = (
            datetime.fromisoformat(requested["to"]) if "to" in requested else datetime.max.replace(tzinfo=UTC)
        )
        after = each.at > begins if self.habits.leaves_start else each.at >= begins
        before = each.at <= ends if self.habits.takes_end else each.at < ends
        return after and before


@contextmanager
def listening(server: BareServer) -> Iterator[str]:
    """The same over HTTP; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = 401, b"{}"
            if self.headers["authorization"] == f"Bearer {KEY}":
                status, body = server.answer(dict(parse_qsl(urlsplit(self.path).query)))
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}"
        finally:
            http.shutdown()
            thread.join()
