"""Stuck calls: calls in a state for longer than calls of their provider and route ever are.

The limit of each state is learned from the last calls of the same provider and route: see
`conditions.time_in_state`. It is never below the floor that the rules set for the state. This module closes
no call.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.alerts.conditions.time_in_state import PastCall, limit_us
from calltally.alerts.model.rules import Floors, Rules
from calltally.calls.errors import DamagedStore
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.model import FINAL, OPEN, STATUSES, Status
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.store.db.operation import StoreOperation
from calltally.store.listing.list_calls import list_calls

# Older open calls have been reported already, and reconciliation asks for them.
_LOOK_BACK_US: Final = 30 * DAY_US
_MAX_OPEN: Final = 1_000
_MAX_PAST: Final = 1_000
_HOUR_US: Final = 3_600 * SECOND_US
_OPEN: Final = tuple(status for status in STATUSES if status in OPEN)
_FINAL: Final = tuple(status for status in STATUSES if status in FINAL)


class OpenCallFields(msgspec.Struct, frozen=True):
    """Fields of a call record that decide whether it is stuck."""

    call_sid: str
    status: str
    created_at: str
    answered_at: str | None = None
    ended_at: str | None = None
    provider: str | None = None
    route: str | None = None

    @property
    def created_us(self) -> int:
        """Creation time."""
        return parse_instant(self.created_at)

    @property
    def since_us(self) -> int:
        """Start of the current state, as far as it is known."""
        is_answered = self.status == Status.IN_PROGRESS and self.answered_at is not None
        return parse_instant(self.answered_at) if is_answered and self.answered_at else self.created_us

    @property
    def past(self) -> PastCall | None:
        """Durations of the call's states; None if it has not ended."""
        if self.ended_at is None:
            return None
        answered_us = parse_instant(self.answered_at) if self.answered_at is not None else None
        return PastCall(self.created_us, answered_us, parse_instant(self.ended_at))


class StuckCalls(NamedTuple):
    """Stuck calls of one provider and route, and the least limit that they exceed."""

    provider: str | None
    route: str | None
    limit_us: int
    calls: list[OpenCallFields]


_decoder: Final = msgspec.json.Decoder(list[OpenCallFields])


def stuck_calls(tenant: str, rules: Rules, now_us: int) -> StoreOperation[list[StuckCalls]]:
    """Return all stuck calls, by provider and route."""
    floors_us = _floors(rules.floors)
    to_us = now_us - min(floors_us.values())
    call_filter = CallFilter(statuses=_OPEN, from_us=now_us - _LOOK_BACK_US, to_us=to_us)
    found = yield from list_calls(tenant, ListQuery(call_filter, limit=_MAX_OPEN, order="asc"))
    groups: dict[tuple[str | None, str | None], list[OpenCallFields]] = {}
    for call in _decode(found.records):
        if now_us - call.since_us > floors_us[call.status]:
            groups.setdefault((call.provider, call.route), []).append(call)
    stuck = []
    for (provider, route), calls in groups.items():
        past_calls = yield from _past(tenant, provider, route, now_us)
        limits_us = _limits(calls, past_calls, floors_us, now_us)
        exceeding = [call for call in calls if now_us - call.since_us > limits_us[call.status]]
        if exceeding:
            stuck.append(
                StuckCalls(provider, route, min(limits_us[call.status] for call in exceeding), exceeding)
            )
    return stuck


def _limits(
    calls: Sequence[OpenCallFields], past_calls: Sequence[PastCall], floors_us: Mapping[str, int], now_us: int
) -> Mapping[str, int]:
    """Return the time limit of each state that calls are in."""
    found = {}
    for status in {call.status for call in calls}:
        open_us = [now_us - call.since_us for call in calls if call.status == status]
        found[status] = max(floors_us[status], limit_us(status, past_calls, open_us))
    return found


def _past(
    tenant: str, provider: str | None, route: str | None, now_us: int
) -> StoreOperation[list[PastCall]]:
    """Return the last finished calls of a provider and route."""
    window = CallFilter(statuses=_FINAL, from_us=now_us - _LOOK_BACK_US, to_us=now_us)
    call_filter = msgspec.structs.replace(window, provider=provider, route=route)
    found = yield from list_calls(tenant, ListQuery(call_filter, limit=_MAX_PAST))
    return [past for call in _decode(found.records) if (past := call.past) is not None]


def _floors(floors: Floors) -> Mapping[str, int]:
    hours = {
        Status.QUEUED: floors.queued_hours,
        Status.INITIATED: floors.initiated_hours,
        Status.RINGING: floors.ringing_hours,
        Status.IN_PROGRESS: floors.in_progress_hours,
    }
    return {status.value: int(each * _HOUR_US) for status, each in hours.items()}


def _decode(records: bytes) -> list[OpenCallFields]:
    try:
        return _decoder.decode(b"[%b]" % records)
    except msgspec.DecodeError as fault:
        raise DamagedStore(f"a stored record is not a call: {fault}; run `calltally verify`") from fault
