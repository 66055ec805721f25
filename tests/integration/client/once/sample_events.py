"""Delivered events and effects with a trace, for the tests of the ledger."""

import itertools
from typing import Any, NamedTuple

from calltally.client import once
from tests.integration.client.once.conftest import Receiver

MINUTE_US = 60_000_000
_ids = itertools.count()


class SampleState(NamedTuple):
    """Final state for any number of deliveries: each `event` has its own id."""

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
    """Manual clock in microseconds UTC."""

    def __init__(self) -> None:
        self.now_us = 1_795_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


class Crash(Exception):
    """Exception in the middle of an effect."""


ENDED = SampleState()


def invoice(receiver: Receiver, state: SampleState = ENDED, connection: Any = None) -> once.Claim:  # noqa: ANN401 (five drivers)
    """Run the effect of the examples in the same transaction."""
    connection = connection or receiver.here
    with once.same_transaction(connection, state.event(), effect="invoice") as claim:
        if claim:
            insert(receiver, connection, state)
    return claim


def insert(receiver: Receiver, connection: Any, state: SampleState) -> None:  # noqa: ANN401 (five drivers)
    sql = "INSERT INTO invoices VALUES (?, ?)"
    connection.execute(sql if receiver.is_sqlite else sql.replace("?", "%s"), (state.call, state.status))


def invoices(receiver: Receiver) -> list[tuple[str, str]]:
    found = receiver.rows("SELECT call_id, words FROM invoices ORDER BY call_id, words")
    return [(call, words) for call, words in found]
