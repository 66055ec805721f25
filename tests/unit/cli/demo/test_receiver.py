import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from calltally.cli.demo.receiver import ALERTS_PATH, PATH, DemoReceiver, summary_of

Message = MutableMapping[str, Any]
AT_US = 1_790_000_000_000_000
EVENT = {"event": "voice.call.completed", "data": {"call_sid": "CA1", "status": "busy", "tags": []}}


class Requests:
    """Requests to the receiver, and the messages that it sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self._receiver = DemoReceiver(self._behind, lambda: AT_US)

    async def _behind(self, _scope: Message, _receive: object, _send: object) -> None:
        self.sent.append({"status": 404})

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def send(self, path: str, body: bytes = b"", method: str = "POST") -> None:
        """Send a request whose body comes in two parts."""
        parts = iter([{"body": body[:5], "more_body": True}, {"body": body[5:], "more_body": False}])

        async def receive() -> Message:
            return {"type": "http.request", **next(parts)}

        scope = {"type": "http", "method": method, "path": path}
        asyncio.run(self._receiver(scope, receive, self._send))

    @property
    def statuses(self) -> list[int]:
        return [each["status"] for each in self.sent if "status" in each]


@pytest.mark.parametrize(("path", "refused"), [(PATH, 2), (ALERTS_PATH, 0)])
def test_receiver_takes_alerts_and_most_events(path: str, refused: int) -> None:
    requests = Requests()
    for _ in range(30):
        requests.send(path)
    assert (requests.statuses.count(204), requests.statuses.count(503)) == (30 - refused, refused)


def test_other_paths_are_the_services() -> None:
    requests = Requests()
    requests.send("/calls")
    assert requests.statuses == [404]


def test_received_deliveries_are_listed_newest_first() -> None:
    requests = Requests()
    requests.send(PATH, method="GET")
    assert requests.sent[-1]["body"] == b"Nothing was received yet.\n"
    requests.send(PATH, json.dumps(EVENT).encode())
    requests.send(ALERTS_PATH, b'{"type": "alert.opened", "data": {"message": "Failures of bookings"}}')
    requests.send(PATH, method="GET")
    time = "2026-09-21T14:13:20.000000Z"
    assert requests.sent[-1]["body"].decode().splitlines() == [
        f"{time}  alert  204  alert.opened  Failures of bookings",
        f"{time}  event  204  voice.call.completed  CA1 busy",
    ]


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"5"])
def test_other_bodies_have_a_summary_too(body: bytes) -> None:
    assert summary_of(body) == "no JSON object"
