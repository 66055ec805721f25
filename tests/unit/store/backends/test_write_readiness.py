"""A store without commits is not ready; the check writes itself if no other write is queued."""

import asyncio
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from calltally.calls.errors import NothingCommitted, Unavailable
from calltally.store.backends.write_readiness import STALLED_S, check_writer
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation


class StalledStore:
    """Fake store with a stalled writer, whose writes succeed or fail."""

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


def check(store: StalledStore) -> None:
    asyncio.run(check_writer(cast(Store, store)))


@pytest.mark.parametrize(
    ("store", "writes"),
    [(StalledStore(stalled_s=STALLED_S - 1, queued_writes=9), 0), (StalledStore(), 1)],
    ids=["not for so long", "a write succeeds"],
)
def test_store_is_ready(store: StalledStore, writes: int) -> None:
    check(store)
    assert store.writes == writes


@pytest.mark.parametrize(
    ("store", "writes"),
    [
        (StalledStore(queued_writes=1), 0),
        (StalledStore(fault=Unavailable("10.0.0.7")), 1),
        (StalledStore(fault=OSError("disk")), 1),
    ],
    ids=["others wait", "the database is away", "the disk is full"],
)
def test_store_is_not_ready_and_reveals_no_internals(store: StalledStore, writes: int) -> None:
    with pytest.raises(NothingCommitted) as raised:
        check(store)
    assert raised.value.detail == (
        "no write was committed for 5 s or more, although some were requested; see the service's log and the"
        " database"
    )
    assert store.writes == writes


@pytest.mark.parametrize(
    ("fault", "reason"), [(OSError("disk is full"), "disk is full"), (TimeoutError(), "TimeoutError")]
)
def test_failed_trial_write_is_logged_with_its_reason(fault: Exception, reason: str) -> None:
    with capture_logs() as logs, pytest.raises(NothingCommitted):
        check(StalledStore(fault=fault))
    assert logs == [{"event": "trial write failed", "log_level": "warning", "reason": reason}]
