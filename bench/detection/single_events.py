"""The single calls of a made-up month as a tenant's own events, in the order in which they are told."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from bench.detection.month.steps import START_US
from bench.detection.month.tenant import HOURS_A_DAY
from bench.detection.single_calls import HISTORY_DAYS, NEVER_S, SingleMonth
from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, utc_text

_HOUR_S: Final = 3600


class _Event(NamedTuple):
    """That a call came to a state at an instant, and when that is told; seconds from the start."""

    reported_s: float
    call: int
    status: Status
    at_s: float


def single_events_of(month: SingleMonth, hours: int) -> Iterator[str]:
    """One line of JSON for each event of the calls that begin in the first scored hours of the month.

    What is labelled there is in them: ends that are never told, half hours of a provider without an event,
    calls under the SID of another, and routes without a call.
    """
    first_s = HISTORY_DAYS * HOURS_A_DAY * _HOUR_S
    lo, hi = np.searchsorted(month.calls.created, (first_s, first_s + hours * _HOUR_S))
    events = [event for call in range(lo, hi) for event in _events_of(month, call)]
    for number, event in enumerate(sorted(events)):
        yield msgspec.json.encode(_fields(month, event, number)).decode()


def _events_of(month: SingleMonth, call: int) -> Iterator[_Event]:
    calls = month.calls
    created_s, answered_s, ended_s = (float(each[call]) for each in calls[1:4])
    reported_answered_s, reported_ended_s = (
        float(calls.reported_answered[call]),
        float(calls.reported_ended[call]),
    )
    yield _Event(created_s, call, Status.RINGING, created_s)
    if reported_answered_s < NEVER_S:
        yield _Event(reported_answered_s, call, Status.IN_PROGRESS, answered_s)
    if reported_ended_s < NEVER_S:
        end = Status.COMPLETED if answered_s < NEVER_S else Status.NO_ANSWER
        yield _Event(reported_ended_s, call, end, ended_s)


def _fields(month: SingleMonth, event: _Event, number: int) -> dict[str, Any]:
    calls, route = month.calls, int(month.calls.route[event.call])
    return {
        "id": f"single-{month.seed}-{number}",
        "call_sid": f"single-{month.seed}-{int(calls.sid[event.call])}",
        "status": event.status,
        "occurred_at": utc_text(START_US + int(event.at_s * SECOND_US)),
        "direction": "inbound",
        # Numbers that are nobody's: of Berlin and Munich, from a block that is kept for stories.
        "from_number": f"+493023125{int(calls.caller[event.call]) % 1000:03}",
        "to_number": f"+498999998{route:03}",
        "route": f"route-{route + 1}",
        "agent": f"agent-{int(month.tenant.agent_of[route]) + 1}",
        "provider": f"provider-{int(month.tenant.provider_of[route]) + 1}",
    }
