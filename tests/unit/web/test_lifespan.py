"""Background work in the lifespan of an application."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from calltally.web.lifespan import LifespanTask

Message = MutableMapping[str, Any]


class Life:
    """Application that records the events of its lifespan."""

    def __init__(self) -> None:
        self.reported: list[str] = []

    async def app(self, scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401 (what a server hands on)
        if scope["type"] != "lifespan":
            await send({"type": "answered"})
            return
        for _ in range(2):
            self.reported.append((await receive())["type"])
            await send({"type": f"{self.reported[-1]}.complete"})

    async def work(self, stop: asyncio.Event) -> None:
        self.reported.append("begun")
        await stop.wait()
        # An application that does not wait for the end would continue before it.
        await asyncio.sleep(0)
        self.reported.append("ended")

    async def live(self, *messages: str) -> list[str]:
        left = iter(messages)

        async def receive() -> Message:
            await asyncio.sleep(0)
            return {"type": next(left)}

        async def send(_message: Message) -> None:
            pass

        await LifespanTask(self.app, self.work)({"type": "lifespan"}, receive, send)
        return self.reported


def test_work_runs_as_long_as_the_application() -> None:
    reported = asyncio.run(Life().live("lifespan.startup", "lifespan.shutdown"))
    assert reported == ["begun", "lifespan.startup", "ended", "lifespan.shutdown"]


def test_work_ends_if_the_application_does_not_start() -> None:
    life = Life()
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(life.live("lifespan.startup"))
    assert life.reported == ["begun", "lifespan.startup", "ended"]


class Failing(Life):
    """Application whose background work fails at once."""

    async def work(self, stop: asyncio.Event) -> None:  # noqa: ARG002 (it is not waited for)
        raise RuntimeError("unforeseen")


def test_failed_work_is_logged_and_the_application_continues() -> None:
    with capture_logs() as logs:
        reported = asyncio.run(Failing().live("lifespan.startup", "lifespan.shutdown"))
    assert reported == ["lifespan.startup", "lifespan.shutdown"]
    [line] = logs
    assert line["event"].startswith("background work failed; restart the process")


def test_requests_are_forwarded() -> None:
    sent: list[Message] = []

    async def send_request() -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        life = Life()
        await LifespanTask(life.app, life.work)({"type": "http"}, None, send)  # type: ignore[arg-type]
        assert life.reported == []

    asyncio.run(send_request())
    assert sent == [{"type": "answered"}]
