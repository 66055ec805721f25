"""The calls behind the counts of a made-up month, as a tenant's own events."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from bench.detection.month.steps import START_US, STEPS_AN_HOUR, Month, Small
from calltally.calls.alert_counts import COLUMNS, STEP_S
from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, utc_text

_STEP_US: Final = STEP_S * SECOND_US
_COLUMN: Final = {name: column for column, name in enumerate(COLUMNS)}
_ENDS: Final = (
    ("failed", Status.FAILED),
    ("no_answer", Status.NO_ANSWER),
    ("busy", Status.BUSY),
    ("canceled", Status.CANCELED),
    ("completed", Status.COMPLETED),
)
# SIP: service unavailable; not found.
_PROVIDERS_FAULT: Final = 503
_CALLERS_FAULT: Final = 404
_RINGS_S: Final = 8
_TALKS_S: Final = 95


def events_of(month: Month, hours: int) -> Iterator[str]:
    """Yield a line of JSON for the start and the end of each call, of the first hours after the history."""
    rng = np.random.default_rng([month.seed, 1])
    for at in range(month.first_step, min(month.first_step + hours * STEPS_AN_HOUR, len(month.steps))):
        for route in range(month.tenant.size.routes):
            for number, (status, more) in enumerate(_ended(month.steps[at, :, route])):
                ended_us = START_US + at * _STEP_US + int(rng.integers(_STEP_US))
                yield from _call(month, (at, route, number), {"status": status, **more}, ended_us)


def _ended(counts: Small) -> Iterator[tuple[Status, dict[str, Any]]]:
    """Yield the status of each call of a step, with further fields of its last event."""
    for name, status in _ENDS:
        for number in range(int(counts[_COLUMN[name]])):
            more: dict[str, Any] = {}
            if status is Status.COMPLETED:
                more["duration_seconds"] = _TALKS_S
                if number < counts[_COLUMN["transferred"]]:
                    more["transfer"] = {"target": "front-desk", "outcome": "bridged"}
            elif status is Status.FAILED:
                is_providers = number < counts[_COLUMN["provider_failed"]]
                more["sip_code"] = _PROVIDERS_FAULT if is_providers else _CALLERS_FAULT
            yield status, more


def _call(month: Month, key: tuple[int, int, int], ended: dict[str, Any], ended_us: int) -> Iterator[str]:
    at, route, number = key
    sid = f"lab-{month.seed}-{at}-{route}-{number}"
    lasted_s = _RINGS_S + ended.get("duration_seconds", 0)
    about = {
        "call_sid": sid,
        "route": f"route-{route + 1}",
        "agent": f"agent-{int(month.tenant.agent_of[route]) + 1}",
        "provider": f"provider-{int(month.tenant.provider_of[route]) + 1}",
        "direction": "outbound",
    }
    started = {"status": Status.RINGING, "occurred_at": utc_text(ended_us - lasted_s * SECOND_US)}
    for name, what in (("ringing", started), ("end", {"occurred_at": utc_text(ended_us), **ended})):
        yield msgspec.json.encode({"id": f"{sid}-{name}", **about, **what}).decode()
