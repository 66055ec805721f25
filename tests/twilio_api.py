"""A stand-in for Twilio's list of calls, as its documents and samples have it; its own SDK reads from it too.

Sources: the pages "Call resource" (read multiple: filters, order, paging) and "REST API: responses" (errors
20003, 20404, 20429), and the recorded answers of Twilio's OpenAPI examples.
"""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from bench.call_resource import ACCOUNT, Resource, resource
from calltally.calls.times import EPOCH, SECOND_US

__all__ = ("ACCOUNT", "KEY", "TOKEN", "Reply", "Resource", "TwilioApi", "instant_us", "resource", "served")

TOKEN = "the-auth-token"
KEY = ("SK" + "b" * 32, "the-key-secret")


class Reply(NamedTuple):
    """One answer of the stand-in."""

    status: int
    document: Any
    headers: tuple[tuple[str, str], ...] = ()


class TwilioApi:
    """The calls of one account. Every `busy_every`th request is refused with 429 and told to come at once.

    `single` are calls as they are told when asked for by themselves, where that is not what the list says.
    """

    sign_in = "authorization"

    def __init__(self, calls: Iterable[Resource] = (), *, busy_every: int = 0) -> None:
        self.calls = {call["sid"]: call for call in calls}
        self.single: dict[str, Resource] = {}
        self.busy_every = busy_every
        self.requested: list[str] = []
        self.url = ""
        self._lock = Lock()

    def answer(self, target: str, authorization: str, _body: bytes | None = None) -> Reply:
        with self._lock:
            self.requested.append(target)
            count = len(self.requested)
        if not _is_signed_in(authorization):
            return _error(401, 20003, "Authenticate")
        if self.busy_every and count % self.busy_every == 0:
            return _error(429, 20429, "Too Many Requests")._replace(headers=(("retry-after", "0"),))
        parts = urlsplit(target)
        return self._found(parts.path, dict(parse_qsl(parts.query)))

    def _found(self, path: str, query: dict[str, str]) -> Reply:
        root = f"/2010-04-01/Accounts/{ACCOUNT}/Calls"
        if path == f"{root}.json":
            return self._page(path, query)
        sid = path.removeprefix(f"{root}/").removesuffix(".json")
        found = self.single.get(sid) or self.calls.get(sid)
        if path.startswith(root) and found is not None:
            return Reply(200, found)
        return _error(404, 20404, f"The requested resource {path} was not found")

    def _page(self, path: str, query: dict[str, str]) -> Reply:
        size = min(int(query.get("PageSize", "50")), 1000)
        listed = [call for call in self._ordered() if _matches(call, query)]
        token = query.get("PageToken", "").removeprefix("PA")
        begin = next((at + 1 for at, call in enumerate(listed) if call["sid"] == token), 0)
        page = listed[begin : begin + size]
        number = int(query.get("Page", "0"))
        fixed = {
            name: value for name, value in query.items() if name not in {"Page", "PageToken", "PageSize"}
        }
        parameters = {**fixed, "PageSize": str(size)}
        has_more = begin + size < len(listed)
        following = (
            {**parameters, "Page": str(number + 1), "PageToken": f"PA{page[-1]['sid']}"} if has_more else None
        )
        document = {
            "calls": page,
            "end": begin + max(len(page) - 1, 0),
            "first_page_uri": f"{path}?{urlencode({**parameters, 'Page': '0'})}",
            "next_page_uri": None if following is None else f"{path}?{urlencode(following)}",
            "page": number,
            "page_size": size,
            "previous_page_uri": None,
            "start": begin,
            "uri": f"{path}?{urlencode({**parameters, 'Page': str(number)})}",
        }
        return Reply(200, document)

    def _ordered(self) -> Sequence[Resource]:
        """Newest first; the SID tells apart what began in one second."""
        return sorted(self.calls.values(), key=lambda call: (_began(call), call["sid"]), reverse=True)


def _began(call: Resource) -> datetime:
    return parsedate_to_datetime(call["start_time"] or call["date_created"])


def _matches(call: Resource, query: dict[str, str]) -> bool:
    """By status, and by start where it has one: `StartTime>` and `StartTime<` include their own instant."""
    if "Status" in query and call["status"] != query["Status"]:
        return False
    after, before = query.get("StartTime>"), query.get("StartTime<")
    if call["start_time"] is None:
        return after is None and before is None
    began = _began(call)
    return (after is None or began >= _moment(after)) and (before is None or began <= _moment(before))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_signed_in(authorization: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    given = b64decode(credentials).decode() if scheme == "Basic" else ""
    return given in {f"{ACCOUNT}:{TOKEN}", ":".join(KEY)}


def _error(status: int, code: int, message: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": message, "more_info": more, "status": status})


class StandIn(Protocol):
    """Server: it gets the target and the credentials of each request, and the body of a POST."""

    url: str
    sign_in: str

    def answer(self, target: str, authorization: str, body: bytes | None = None, /) -> Reply: ...


A = TypeVar("A", bound=StandIn)


@contextmanager
def served(api: A) -> Iterator[A]:
    """The stand-in on a port of its own; `api.url` is where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])))

        def _answer(self, sent: bytes | None) -> None:
            reply = api.answer(self.path, self.headers.get(api.sign_in, ""), sent)
            body = json.dumps(reply.document).encode()
            self.send_response(reply.status)
            for name, value in (("content-type", "application/json"), *reply.headers):
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_parts: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        api.url = f"http://127.0.0.1:{server.server_port}"
        yield api
        server.shutdown()
        thread.join()


def instant_us(resource_time: str) -> int:
    return int((parsedate_to_datetime(resource_time) - EPOCH).total_seconds()) * SECOND_US
