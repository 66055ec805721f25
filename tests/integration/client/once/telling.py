"""Events as they are delivered, and effects that leave a trace."""

import itertools
from typing import Any, NamedTuple

from calltally.client import once
from tests.integration.client.once.conftest import Receiver

MINUTE_US = 60_000_000
_ids = itertools.count()


class Told(NamedTuple):
    """A final state, to be told as often as one likes: each `event` has an id of its own."""

    status: str = "completed"
    revision: int | None = 5
    call: str = "call-1"
    tenant: str = "acme"

    def event(self) -> dict[str, Any]:
        return {
            "id": f"msg_{next(_ids)}",
            "event": "voice.call.completed",
            "created_at": "2026-10-01T09:30:00.000000Z",
            "tenant_id": self.tenant,
            "api_version": "2026-11-01",
            "data": {
                "call_sid": f"CA-{self.call}",
                "status": self.status,
                "id": self.call,
                "revision": self.revision,
                "duration_seconds": 61,
            },
        }


class Clock:
    """Microseconds UTC, when it is told to."""

    def __init__(self) -> None:
        self.now_us = 1_795_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


class Crash(Exception):
    """What happens in the middle of an effect."""


ENDED = Told()


def invoice(receiver: Receiver, told: Told = ENDED, connection: Any = None) -> once.Turn:  # noqa: ANN401 (five drivers)
    """The effect of the examples, in the same transaction."""
    connection = connection or receiver.here
    with once.same_transaction(connection, told.event(), effect="invoice") as turn:
        if turn:
            insert(receiver, connection, told)
    return turn


def insert(receiver: Receiver, connection: Any, told: Told) -> None:  # noqa: ANN401 (five drivers)
    sql = "INSERT INTO invoices VALUES (?, ?)"
    connection.execute(sql if receiver.is_sqlite else sql.replace("?", "%s"), (told.call, told.status))


def invoices(receiver: Receiver) -> list[tuple[str, str]]:
    found = receiver.rows("SELECT call_id, words FROM invoices ORDER BY call_id, words")
    return [(call, words) for call, words in found]
