"""Readiness of a store for writes, for `/readyz`: a trial write if none was committed for some seconds."""

import asyncio
from typing import Final

from calltally.calls.errors import NothingCommitted
from calltally.store.backends.group_commit import GroupCommitWriter
from calltally.store.db.interface import Store
from calltally.store.db.operation import Statement, StatementMany, StoreOperation

# Shorter than the time for which a load balancer waits for a response.
_TRIAL_TIMEOUT_S: Final = 1.0
STALLED_S: Final = 5.0


async def check_writer(store: Store) -> None:
    """Raise NothingCommitted if write requests have arrived for 5 s and none was committed.

    A node that is not ready may get no further requests and would never commit one. So the check makes a
    write of its own, unless other writes are queued.
    """
    if store.stalled_s < STALLED_S:
        return
    if not store.queued_writes:
        try:
            async with asyncio.timeout(_TRIAL_TIMEOUT_S):
                await store.write(try_write(store))
                return
        except Exception as fault:  # noqa: BLE001 - for any reason, the next request would fail too
            _log_failure(fault)
    message = (
        f"no write was committed for {STALLED_S:g} s or more, although some were requested; see the service's"
        " log and the database"
    )
    raise NothingCommitted(message)


def _log_failure(fault: Exception) -> None:
    from calltally.logs import get_logger  # deferred: takes 5 MB, and commands on the store log nothing

    get_logger(__name__).warning("trial write failed", reason=str(fault) or type(fault).__name__)


def try_write(store: Store | GroupCommitWriter) -> StoreOperation[None]:
    """Write without a change, and lock the ledgers that were locked at the last attempt."""
    yield Statement("meta_try_write", {})
    if isinstance(store, GroupCommitWriter) and store.locked:
        yield StatementMany("lock_heads", [{"tenant": tenant} for tenant in sorted(store.locked)])
