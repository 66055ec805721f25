"""Consistency checks of records: an end before the start, a talk longer than the call.

Switches write whole seconds and round each value separately, so 1.5 seconds of difference are allowed.
"""

from typing import Final, Literal

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import StatedFields
from calltally.calls.times import SECOND_US, utc_text

_ROUNDING_US: Final = 1_500_000
_TIMES: Final[tuple[Literal["started_us", "ringing_us", "answered_us", "ended_us"], ...]] = (
    "started_us",
    "ringing_us",
    "answered_us",
    "ended_us",
)


def check_times(statement: StatedFields) -> None:
    """Raise NotUnderstood for times out of order, and for a talk longer than the call."""
    earlier, earlier_us = "", 0
    for name in _TIMES:
        if (instant_us := statement.get(name)) is None:
            continue
        if earlier and instant_us < earlier_us - _ROUNDING_US:
            message = (
                f"{_label(name)} {utc_text(instant_us)} is before {_label(earlier)} {utc_text(earlier_us)}"
            )
            raise NotUnderstood(message)
        earlier, earlier_us = name, max(earlier_us, instant_us)
    _check_talk(statement)


def _check_talk(statement: StatedFields) -> None:
    talk_seconds = statement.get("talk_seconds", 0)
    if not talk_seconds or "ended_us" not in statement or "started_us" not in statement:
        return
    lasted_us = statement["ended_us"] - statement["started_us"]
    if talk_seconds * SECOND_US > lasted_us + _ROUNDING_US:
        lasted_s = lasted_us / SECOND_US
        raise NotUnderstood(f"the talk of {talk_seconds:g} s is longer than the call of {lasted_s:g} s")


def _label(name: str) -> str:
    return {"started_us": "the start", "ringing_us": "the ringing", "answered_us": "the answer"}.get(
        name, "the end"
    )
