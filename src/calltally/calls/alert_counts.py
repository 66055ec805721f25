"""Counts of a call in the five-minute steps that alerts evaluate. Pure: from a record to numbers.

A call counts at most twice: as started in the step of its `created_at`, and as final in the step of its
`ended_at`. Both times come from the facts, not from their arrival. A call of last year that is imported today
counts in last year, and a late callback counts at the end of its call. A changed final state moves the call's
counts. All counts can be recomputed from the records alone; verification does so.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.failure_causes import FailureCause, is_provider_failure
from calltally.calls.model import FINAL, Call

STEP_S: Final = 300
# A call with a later end reflects a late report, not the state of its route. The limit also bounds how far
# back a recount has to read.
MAX_CALL_AGE_S: Final = 86_400
COLUMNS: Final = (
    *("started", "final", "answered", "completed", "no_answer", "failed", "provider_failed", "busy"),
    *("canceled", "transferred", "transfer_known"),
)
# Limit per name in a key. Four names of full length would exceed the 2,704 bytes that PostgreSQL indexes.
MAX_NAME_CHARS: Final = 128
_STARTED: Final = (1,) + (0,) * (len(COLUMNS) - 1)
_BRIDGED: Final = "bridged"
_MINUTE_S: Final = {
    f"T{minute // 60:02d}:{minute % 60:02d}": minute * 60 for minute in range(MAX_CALL_AGE_S // 60)
}

Cells: TypeAlias = tuple[int, ...]


class AlertCountFields(msgspec.Struct):
    """Fields of a record that alert counts depend on; the decoder skips all others."""

    status: str
    created_at: str
    answered_at: str | None
    ended_at: str | None
    ring_seconds: int | None
    route: str | None
    agent: str | None
    provider: str | None
    provider_account: str | None
    hangup_cause: int | None
    sip_code: int | None
    error_code: str | None
    transfer: dict[str, Any] | None


class AlertStepKey(NamedTuple):
    """Key of a row of counts: the start of a step (seconds since 1970) and its names; "" if unknown.

    Names are cut to `MAX_NAME_CHARS`. Longer names with the same prefix are evaluated together.
    """

    step_s: int
    route: str
    provider: str
    provider_account: str
    agent: str


class AlertCount(NamedTuple):
    """Contribution of a call to one row: the row's key, and the amount for each of `COLUMNS`."""

    key: AlertStepKey
    cells: Cells


_decoder: Final = msgspec.json.Decoder(AlertCountFields)


def alert_counts_of_record(record: bytes, *, knows_transfers: bool) -> tuple[AlertCount, ...]:
    """Return the counts of a record. Raises DamagedStore for bytes that are no record."""
    try:
        return alert_counts_of_call(_decoder.decode(record), knows_transfers=knows_transfers)
    except (msgspec.DecodeError, ValueError) as fault:
        message = "a stored record cannot be read; run `calltally verify` to see which"
        raise DamagedStore(message) from fault


def alert_counts_of_call(call: Call | AlertCountFields, *, knows_transfers: bool) -> tuple[AlertCount, ...]:
    """Return the counts of a call: as started, and also as final if it is.

    With `knows_transfers` a source that reports transfers describes the call, which counts in their rate.
    """
    names = _key_names(call.route, call.provider, call.provider_account, call.agent)
    created_s = _minute_s(call.created_at)
    started = AlertCount(AlertStepKey(created_s - created_s % STEP_S, *names), _STARTED)
    if call.status not in FINAL or call.ended_at is None:
        return (started,)
    ended_s = _minute_s(call.ended_at)
    if ended_s - created_s > MAX_CALL_AGE_S:
        return (started,)
    return started, AlertCount(
        AlertStepKey(ended_s - ended_s % STEP_S, *names), _final_cells(call, knows_transfers=knows_transfers)
    )


# A tenant has some hundreds of combinations.
@lru_cache(maxsize=4_096)
def _key_names(*names: str | None) -> tuple[str, ...]:
    return tuple((name or "")[:MAX_NAME_CHARS] for name in names)


def _final_cells(call: Call | AlertCountFields, *, knows_transfers: bool) -> Cells:
    is_answered = call.answered_at is not None
    is_known = is_answered and knows_transfers
    is_bridged = is_known and (call.transfer or {}).get("outcome") == _BRIDGED
    has_rung = call.ring_seconds is not None
    cause = FailureCause(call.sip_code, call.hangup_cause, call.error_code, call.provider, has_rung)
    is_provider_fault = is_provider_failure(call.status, cause)
    columns = {
        "answered": is_answered,
        "provider_failed": is_provider_fault,
        "transferred": is_bridged,
        "transfer_known": is_known,
    }
    return _cells(call.status, frozenset(name for name, counts in columns.items() if counts))


@lru_cache(maxsize=256)
def _cells(status: str, columns: frozenset[str]) -> Cells:
    counted = {"final", status.replace("-", "_"), *columns}
    return tuple(int(name in counted) for name in COLUMNS)


def _minute_s(instant: str) -> int:
    """Return the start of the minute of a record's instant; raises ValueError for other texts."""
    minute_s = _MINUTE_S.get(instant[10:16])
    if minute_s is None:
        raise ValueError("not an instant of a record")
    return _day_s(instant[:10]) + minute_s


@lru_cache(maxsize=4_096)
def _day_s(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
