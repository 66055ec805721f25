"""What a call counts for in the five-minute steps that alerts are judged by. Pure: from a record to numbers.

A call counts twice at most: as started, in the step of its `created_at`, and as final, in the step in which
it became so. That is dated by `ended_at`, the time that the facts tell, not by when they came. So a call of
last year that is imported today stands in last year; a late callback stands where the call ended; a final
state that changes moves the call's numbers; and all of it can be counted again from the records alone, by
which it is checked.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.failure_causes import FailureCause, is_provider_failure
from calltally.calls.model import FINAL, Call, Status

STEP_S: Final = 300
# What became final so long after it was created tells of a report that was late, not of how its route does.
# It bounds how far back whoever counts again has to look.
MAX_CALL_AGE_S: Final = 86_400
COLUMNS: Final = (
    *("started", "final", "answered", "completed", "no_answer", "failed", "provider_failed", "busy"),
    *("canceled", "transferred"),
)
# Of each name in a key: four of the longest would be more than the 2,704 bytes that PostgreSQL indexes.
MAX_NAME_CHARS: Final = 128
_PLACES: Final = {name: place for place, name in enumerate(COLUMNS)}
_STARTED: Final = (1,) + (0,) * (len(COLUMNS) - 1)
_BRIDGED: Final = "bridged"
_MINUTE_S: Final = {
    f"T{minute // 60:02d}:{minute % 60:02d}": minute * 60 for minute in range(MAX_CALL_AGE_S // 60)
}

Cells: TypeAlias = tuple[int, ...]


class AlertCountFields(msgspec.Struct):
    """What of a sealed record is looked at; everything else in it is passed over."""

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
    """Which row a call counts in: when (seconds since 1970), and of whom; "" where nobody said.

    Names are cut to `MOST_CHARS`: those that are longer and begin alike are judged together.
    """

    step_s: int
    route: str
    provider: str
    provider_account: str
    agent: str


class AlertCount(NamedTuple):
    """One place in which a call counts, and for how much of each of `COLUMNS`."""

    key: AlertStepKey
    cells: Cells


_decoder: Final = msgspec.json.Decoder(AlertCountFields)


def alert_counts_of_record(record: bytes) -> tuple[AlertCount, ...]:
    """Where a sealed record counts. Raises DamagedStore for bytes that are no record."""
    try:
        return alert_counts_of_call(_decoder.decode(record))
    except (msgspec.DecodeError, ValueError) as fault:
        message = "a stored record cannot be read; run `calltally verify` to see which"
        raise DamagedStore(message) from fault


def alert_counts_of_call(call: Call | AlertCountFields) -> tuple[AlertCount, ...]:
    """Where a call counts: as started, and once it is final as that."""
    whose = _whose(call.route, call.provider, call.provider_account, call.agent)
    created_s = _minute_s(call.created_at)
    started = AlertCount(AlertStepKey(created_s - created_s % STEP_S, *whose), _STARTED)
    if call.status not in FINAL or call.ended_at is None:
        return (started,)
    ended_s = _minute_s(call.ended_at)
    if ended_s - created_s > MAX_CALL_AGE_S:
        return (started,)
    return started, AlertCount(AlertStepKey(ended_s - ended_s % STEP_S, *whose), _final_cells(call))


# A tenant has some hundreds of them.
@lru_cache(maxsize=4_096)
def _whose(*names: str | None) -> tuple[str, ...]:
    """The names of a key, in its order."""
    return tuple((name or "")[:MAX_NAME_CHARS] for name in names)


def _final_cells(call: Call | AlertCountFields) -> Cells:
    is_answered = call.answered_at is not None
    is_bridged = is_answered and (call.transfer or {}).get("outcome") == _BRIDGED
    is_providers = call.status == Status.FAILED and _lies_with_provider(call)
    return _cells(call.status, is_answered, is_providers, is_bridged)


@lru_cache(maxsize=256)
def _cells(status: str, is_answered: bool, is_providers: bool, is_bridged: bool) -> Cells:  # noqa: FBT001 (a cache has no keywords)
    cells = [0] * len(COLUMNS)
    cells[_PLACES["final"]] = 1
    cells[_PLACES[status.replace("-", "_")]] = 1
    cells[_PLACES["answered"]] = int(is_answered)
    cells[_PLACES["provider_failed"]] = int(is_providers)
    cells[_PLACES["transferred"]] = int(is_bridged)
    return tuple(cells)


def _lies_with_provider(call: Call | AlertCountFields) -> bool:
    has_rung = call.ring_seconds is not None
    cause = FailureCause(call.sip_code, call.hangup_cause, call.error_code, call.provider, has_rung)
    return is_provider_failure(call.status, cause)


def _minute_s(instant: str) -> int:
    """The minute of an instant, as records have it; raises ValueError for anything else."""
    minute_s = _MINUTE_S.get(instant[10:16])
    if minute_s is None:
        raise ValueError("not an instant of a record")
    return _day_s(instant[:10]) + minute_s


@lru_cache(maxsize=4_096)
def _day_s(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
