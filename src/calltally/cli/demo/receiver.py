"""Receiver of the demo's webhooks and alerts, inside its own server, and a page of what it received."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.bootstrap.service import Application
from calltally.calls.times import utc_text
from calltally.store.db.operation import Clock

PATH: Final = "/demo-receiver"
ALERTS_PATH: Final = f"{PATH}/alerts"
# Some deliveries of events fail at first, so that their attempts show.
_REFUSED_EVERY: Final = 15
_OK, _TAKEN, _NOT_FOUND, _REFUSED = 200, 204, 404, 503
_MAX_LISTED: Final = 200
_MAX_CHARS: Final = 200
_TEXT: Final = b"text/plain; charset=utf-8"

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]


class ReceivedDelivery(NamedTuple):
    """A request to the receiver: its time, path and content, and the status that it got."""

    at_us: int
    path: str
    summary: str
    status: int

    def line(self) -> str:
        kind = "alert" if self.path == ALERTS_PATH else "event"
        return f"{utc_text(self.at_us)}  {kind}  {self.status}  {self.summary}"


class DemoReceiver:
    """ASGI application in front of another one.

    It accepts events and alerts on its paths, refuses some events, and lists the last ones for a GET.
    """

    def __init__(self, app: Application, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._events = 0
        self._received: deque[ReceivedDelivery] = deque(maxlen=_MAX_LISTED)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path not in {PATH, ALERTS_PATH}:
            await self._app(scope, receive, send)
        elif scope["method"] in {"GET", "HEAD"}:
            await _respond(send, _OK, self._page())
        else:
            await _respond(send, self._take(path, await _body(receive)))

    def _take(self, path: str, body: bytes) -> int:
        status = _TAKEN
        if path == PATH:
            self._events += 1
            status = _TAKEN if self._events % _REFUSED_EVERY else _REFUSED
        self._received.appendleft(ReceivedDelivery(self._clock(), path, summary_of(body), status))
        return status

    def _page(self) -> bytes:
        lines = [each.line() for each in self._received] or ["Nothing was received yet."]
        return ("\n".join(lines) + "\n").encode()


def summary_of(body: bytes) -> str:
    """Return the event and its subject: the message of an alert, or the SID and status of a call."""
    try:
        event = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return "no JSON object"
    data = event.get("data")
    fields: Mapping[str, Any] = data if isinstance(data, Mapping) else event
    subject = " ".join(str(fields[name]) for name in ("message", "call_sid", "status") if fields.get(name))
    return f"{event.get('event') or event.get('type') or ''}  {subject}".strip()[:_MAX_CHARS]


async def _body(receive: _Receive) -> bytes:
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    return body


async def _respond(send: _Send, status: int, body: bytes = b"") -> None:
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", _TEXT)]
    await send({"type": "http.response.start", "status": status, "headers": headers if body else headers[:1]})
    await send({"type": "http.response.body", "body": body})
