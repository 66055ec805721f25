"""Missing final states: calls that are open for longer than calls of their provider and route ever are.

The limit is learned: the time from creation to final state by Kaplan and Meier, over the last calls of the
same provider and route, in which those that are open still count as lasting at least so long. A call is
stuck beyond its 99.9 % quantile and a margin, and never before the floor that the rules set for its state.
Nothing here closes a call.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.alerts.rules import Floors, Rules
from calltally.calls.errors import DamagedStore
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.model import FINAL, OPEN, STATUSES, Status
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.store.listing import list_calls
from calltally.store.steps import Step

QUANTILE: Final = 0.999
MARGIN: Final = 1.5
# What is open for longer is known by now, and asked for by reconciling.
_LOOKED_US: Final = 30 * DAY_US
_MOST_OPEN: Final = 1_000
_LEARNED: Final = 1_000
_HOUR_US: Final = 3_600 * SECOND_US
_OPEN: Final = tuple(status for status in STATUSES if status in OPEN)
_FINAL: Final = tuple(status for status in STATUSES if status in FINAL)


class OpenCall(msgspec.Struct, frozen=True):
    """What of a record is looked at."""

    call_sid: str
    status: str
    created_at: str
    ended_at: str | None = None
    provider: str | None = None
    route: str | None = None

    @property
    def created_us(self) -> int:
        """When it was created."""
        return parse_instant(self.created_at)


class Stuck(NamedTuple):
    """The calls of one provider and route that are stuck, and the limit that they are beyond."""

    provider: str | None
    route: str | None
    limit_us: int
    calls: list[OpenCall]


_decoder: Final = msgspec.json.Decoder(list[OpenCall])


def time_to_final(ended_us: Iterable[int], open_us: Iterable[int], quantile: float = QUANTILE) -> int | None:
    """The time by which such a part of calls is final; None where too few are known to say so.

    Kaplan and Meier (1958): at each time at which calls became final, the part that is still open shrinks by
    those among all that had lasted until then. `open_us` are the ages of calls that are open: censored.
    """
    # Of those that lasted as long, the final ones come first, by the convention of the method.
    times = sorted([*((each, False) for each in ended_us), *((each, True) for each in open_us)])
    left, surviving = len(times), 1.0
    for lasted_us, is_open in times:
        if not is_open:
            surviving *= 1 - 1 / left
            if surviving <= 1 - quantile:
                return lasted_us
        left -= 1
    return None


def stuck_calls(tenant: str, rules: Rules, now_us: int) -> Step[list[Stuck]]:
    """All calls that are stuck now, by provider and route."""
    floors_us = _floors(rules.floors)
    to_us = now_us - min(floors_us.values())
    wanted = CallFilter(statuses=_OPEN, from_us=now_us - _LOOKED_US, to_us=to_us)
    found = yield from list_calls(tenant, ListQuery(wanted, limit=_MOST_OPEN, order="asc"))
    groups: dict[tuple[str | None, str | None], list[OpenCall]] = {}
    for call in _read(found.records):
        if now_us - call.created_us > floors_us[call.status]:
            groups.setdefault((call.provider, call.route), []).append(call)
    stuck = []
    for (provider, route), calls in groups.items():
        limit_us = yield from _limit(tenant, provider, route, calls, now_us)
        over = [call for call in calls if now_us - call.created_us > limit_us]
        if over:
            stuck.append(Stuck(provider, route, max(limit_us, min(floors_us.values())), over))
    return stuck


def _limit(
    tenant: str, provider: str | None, route: str | None, calls: Sequence[OpenCall], now_us: int
) -> Step[int]:
    """Beyond which age a call of theirs is stuck: 0 where nothing was learned, and the floors hold alone."""
    window = CallFilter(statuses=_FINAL, from_us=now_us - _LOOKED_US, to_us=now_us)
    wanted = msgspec.structs.replace(window, provider=provider, route=route)
    found = yield from list_calls(tenant, ListQuery(wanted, limit=_LEARNED))
    ended_us = [
        max(0, parse_instant(call.ended_at) - call.created_us)
        for call in _read(found.records)
        if call.ended_at is not None
    ]
    quantile_us = time_to_final(ended_us, [now_us - call.created_us for call in calls])
    if quantile_us is None:
        quantile_us = max(ended_us, default=0)
    return int(quantile_us * MARGIN)


def _floors(floors: Floors) -> Mapping[str, int]:
    hours = {
        Status.QUEUED: floors.queued_hours,
        Status.INITIATED: floors.initiated_hours,
        Status.RINGING: floors.ringing_hours,
        Status.IN_PROGRESS: floors.in_progress_hours,
    }
    return {status.value: int(each * _HOUR_US) for status, each in hours.items()}


def _read(records: bytes) -> list[OpenCall]:
    try:
        return _decoder.decode(b"[%b]" % records)
    except msgspec.DecodeError as fault:
        raise DamagedStore(f"a stored record is no call: {fault}; run `calltally verify`") from fault
