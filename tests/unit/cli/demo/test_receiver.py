import asyncio
from collections.abc import MutableMapping
from typing import Any

from calltally.cli.demo.receiver import PATH, WebhookReceiver

Message = MutableMapping[str, Any]


def statuses(path: str, requests: int) -> list[int]:
    """Return the statuses of some deliveries in two parts each; the application behind answers 404."""
    sent: list[int] = []

    async def behind(_scope: Message, _receive: object, _send: object) -> None:
        sent.append(404)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    async def deliver() -> None:
        receiver = WebhookReceiver(behind)
        for _ in range(requests):
            parts = iter([{"more_body": True}, {"more_body": False}])

            async def receive(parts: Any = parts) -> Message:  # noqa: ANN401 (an iterator)
                return {"type": "http.request", **next(parts)}

            await receiver({"type": "http", "path": path}, receive, send)

    asyncio.run(deliver())
    return sent


def test_receiver_takes_most_deliveries_and_refuses_some() -> None:
    taken = statuses(PATH, 30)
    assert (taken.count(204), taken.count(503)) == (28, 2)


def test_other_paths_are_the_services() -> None:
    assert statuses("/calls", 1) == [404]
