"""Operations carried out without a network: a clock that moves when somebody waits, and answers at will."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from calltally.client.config import Key, Plan, Retries, Surroundings
from calltally.client.sans_io import Attempt, Effect, Pause, Reply, Talk, Walk, drive, walk
from calltally.client.wire import Answer, Request

T = TypeVar("T")

BASE = "https://calls.example.com"
KEY = "ct_a-key-that-nobody-may-see"
WALL_S = 1_790_000_000.0


class Clockwork:
    """What a client takes from outside; nothing waits for real."""

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
    """Carries operations out against `server`, a function from a request to what comes of it."""

    def __init__(self, server: Callable[[Request], Reply], retries: Retries = Retries()) -> None:  # noqa: B008 (immutable)
        self._server = server
        self.clockwork = Clockwork()
        self.attempts: list[Attempt] = []
        self.plan = Plan(BASE, Key(KEY), 30.0, retries, self.clockwork.surroundings)

    @property
    def requests(self) -> list[Request]:
        return [attempt.request for attempt in self.attempts]

    def run(self, talk: Talk[T]) -> T:
        return drive(talk, self._perform)

    def all_of(self, walked: Walk[T]) -> list[T]:
        return list(walk(walked, self._perform))

    def _perform(self, effect: Effect) -> Reply:
        if isinstance(effect, Pause):
            self.clockwork.sleep(effect.seconds)
            return None
        self.attempts.append(effect)
        return self._server(effect.request)


def in_turn(*replies: Reply) -> Callable[[Request], Reply]:
    """A server that says one thing after the other."""
    left = list(replies)
    return lambda _request: left.pop(0)


def good(body: Any, **headers: str) -> Answer:  # noqa: ANN401 (whatever JSON can say)
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
    """A call with nothing but what the reference page shows."""
    return {
        "id": f"id-{number}",
        "call_sid": f"CA{number}",
        "direction": "outbound",
        "status": "completed",
        "duration_seconds": 142,
        "escalated": False,
        "summary": None,
    }
