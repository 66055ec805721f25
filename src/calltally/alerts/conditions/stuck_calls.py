"""Stuck calls: calls in a state for longer than calls of their provider and route ever are.

The limit of each state is learned from the last calls of the same provider and route. A call is unanswered
from its creation on, and in progress from its answer on, so each past call gives the duration of one or two
states. The limit is the time by which 99.9 % have left the state, plus half as much again. It is never below
the floor that the rules set for the state. This module closes no call.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.alerts.model.rules import Rules
from calltally.calls.errors import DamagedStore
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
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
QUANTILE: Final = 0.999
MARGIN: Final = 1.5


class PastCall(NamedTuple):
    """A finished call: its creation, its answer (None: never) and its end."""

    created_us: int
    answered_us: int | None
    ended_us: int

    def lasted_us(self, status: str) -> int | None:
        """Return the time in progress, or unanswered for any other state; None if it was not in the state."""
        if status != Status.IN_PROGRESS:
            left_us = self.ended_us if self.answered_us is None else self.answered_us
            return max(0, left_us - self.created_us)
        return None if self.answered_us is None else max(0, self.ended_us - self.answered_us)


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
        return parse_instant(self.created_at)

    @property
    def since_us(self) -> int:
        """Start of the current state, as far as it is known."""
        is_answered = self.status == Status.IN_PROGRESS and self.answered_at
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
    floors_us = {
        status.value: int(getattr(rules.floors, f"{status.name.lower()}_hours") * _HOUR_US)
        for status in _OPEN
    }
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
    open_us: dict[str, list[int]] = {}
    for call in calls:
        open_us.setdefault(call.status, []).append(now_us - call.since_us)
    return {
        status: max(floors_us[status], limit_us(status, past_calls, ages_us))
        for status, ages_us in open_us.items()
    }


def _past(
    tenant: str, provider: str | None, route: str | None, now_us: int
) -> StoreOperation[list[PastCall]]:
    from_us = now_us - _LOOK_BACK_US
    calls = CallFilter(statuses=_FINAL, from_us=from_us, to_us=now_us, provider=provider, route=route)
    found = yield from list_calls(tenant, ListQuery(calls, limit=_MAX_PAST))
    return [past for call in _decode(found.records) if (past := call.past) is not None]


def _decode(records: bytes) -> list[OpenCallFields]:
    try:
        return _decoder.decode(b"[%b]" % records)
    except msgspec.DecodeError as fault:
        raise DamagedStore(
            f"a stored call cannot be read ({fault}); find it with `calltally verify`"
        ) from fault


def time_to_final(ended_us: Iterable[int], open_us: Iterable[int], quantile: float = QUANTILE) -> int | None:
    """Return the time by which this fraction of calls has left; None if too few calls are known.

    Kaplan and Meier (1958): at each time at which calls left, the surviving fraction shrinks by their share
    of all calls that lasted until then. `open_us` are the ages of calls that are still there: censored.
    """
    # By the convention of the method, final calls come before open ones of the same duration.
    times = sorted([*((each, False) for each in ended_us), *((each, True) for each in open_us)])
    remaining, surviving = len(times), 1.0
    for lasted_us, is_open in times:
        if not is_open:
            surviving *= 1 - 1 / remaining
            if surviving <= 1 - quantile:
                return lasted_us
        remaining -= 1
    return None


def limit_us(status: str, past: Iterable[PastCall], open_us: Sequence[int]) -> int:
    """Return the time in a state beyond which a call is stuck; 0 without past calls."""
    lasted = [each for call in past if (each := call.lasted_us(status)) is not None]
    quantile_us = time_to_final(lasted, open_us)
    if quantile_us is None:
        quantile_us = max(lasted, default=0)
    return int(quantile_us * MARGIN)
