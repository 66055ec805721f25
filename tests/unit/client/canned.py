"""Runner of operations without a network: a clock that advances by sleeping, and canned responses."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

from calltally.client.blocking import iterate_now, run_now
from calltally.client.config import ClientConfig, ClientKey, Surroundings
from calltally.client.transport import AttemptResult, RequestAttempt
from calltally.client.wire import Answer, Request
from calltally.retry_policy import RetryPolicy

T = TypeVar("T")

BASE = "https://calls.example.com"
KEY = "ct_a-key-that-nobody-may-see"
WALL_S = 1_790_000_000.0
DEFAULT_RETRIES = RetryPolicy()


class Clockwork:
    """Clocks, randomness and sleep of a client. Nothing really waits."""

    def __init__(self, chance: float = 1.0) -> None:
        self.now_s = 1_000.0
        self.slept: list[float] = []
        self.surroundings = Surroundings(
            now_s=lambda: self.now_s,
            wall_s=lambda: WALL_S,
            chance=lambda: chance,
            sleep=self.sleep,
            sleep_async=self.sleep_async,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class Canned:
    """Runner of operations against `server`, a function from a request to its result."""

    def __init__(
        self, server: Callable[[Request], AttemptResult], retries: RetryPolicy = DEFAULT_RETRIES
    ) -> None:
        self._server = server
        self.clockwork = Clockwork()
        self.attempts: list[RequestAttempt] = []
        self.config = ClientConfig(BASE, ClientKey(KEY), 30.0, retries, self.clockwork.surroundings)

    @property
    def requests(self) -> list[Request]:
        return [attempt.request for attempt in self.attempts]

    @property
    def transport(self) -> "Canned":
        return self

    def run(self, operation: Awaitable[T]) -> T:
        return run_now(operation)

    def all_of(self, pages: AsyncGenerator[T, None]) -> list[T]:
        return list(iterate_now(pages))

    async def send(self, attempt: RequestAttempt) -> AttemptResult:
        self.attempts.append(attempt)
        return self._server(attempt.request)

    async def sleep(self, seconds: float) -> None:
        self.clockwork.sleep(seconds)


def in_sequence(*replies: AttemptResult) -> Callable[[Request], AttemptResult]:
    """Return a server with the given results, one after the other."""
    left = list(replies)
    return lambda _request: left.pop(0)


def good(body: Any, **headers: str) -> Answer:  # noqa: ANN401 (any JSON value)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, {"content-type": "application/json", **named}, json.dumps(body).encode())


def problem(status: int, slug: str = "", detail: str = "", **members: Any) -> Answer:  # noqa: ANN401 (members of any kind)
    body = {
        "type": f"/docs/problems#{slug}",
        "title": "A title",
        "status": status,
        "detail": detail,
        **members,
    }
    headers = {"content-type": "application/problem+json", "x-request-id": "req-1"}
    return Answer(status, headers, json.dumps(body).encode())


def seven(number: int) -> dict[str, Any]:
    """Return a call with only the fields of the reference page."""
    return {
        "id": f"id-{number}",
        "call_sid": f"CA{number}",
        "direction": "outbound",
        "status": "completed",
        "duration_seconds": 142,
        "escalated": False,
        "summary": None,
    }
