"""A store that commits nothing is not ready, and is tried again where nobody else tries it."""

import asyncio
from typing import Any, cast

import pytest

from calltally.calls.errors import NothingCommitted, Unavailable
from calltally.store.backends.write_readiness import STALLED_S, check_writer
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation


class Stalled:
    """Stands where a store would: its writer stalls, and a write succeeds or not."""

    def __init__(
        self, *, stalled_s: float = STALLED_S, queued_writes: int = 0, fault: Exception | None = None
    ) -> None:
        self.stalled_s = stalled_s
        self.queued_writes = queued_writes
        self.writes = 0
        self._fault = fault

    async def write(self, operation: StoreOperation[Any]) -> None:
        operation.close()
        self.writes += 1
        if self._fault is not None:
            raise self._fault


def check(store: Stalled) -> None:
    asyncio.run(check_writer(cast(Store, store)))


@pytest.mark.parametrize(
    ("store", "writes"),
    [(Stalled(stalled_s=STALLED_S - 1, queued_writes=9), 0), (Stalled(), 1)],
    ids=["not for so long", "a write succeeds"],
)
def test_it_is_ready(store: Stalled, writes: int) -> None:
    check(store)
    assert store.writes == writes


@pytest.mark.parametrize(
    ("store", "writes"),
    [
        (Stalled(queued_writes=1), 0),
        (Stalled(fault=Unavailable("10.0.0.7")), 1),
        (Stalled(fault=OSError("disk")), 1),
    ],
    ids=["others wait", "the database is away", "the disk is full"],
)
def test_it_is_not_ready_and_names_nothing_of_its_inside(store: Stalled, writes: int) -> None:
    with pytest.raises(NothingCommitted) as raised:
        check(store)
    assert raised.value.detail == (
        "no write was committed for 5 s or more, though some were requested; see the service's log and the"
        " database"
    )
    assert store.writes == writes
