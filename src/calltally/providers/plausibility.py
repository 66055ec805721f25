"""Records that cannot be: an end before the start, a talk longer than the call.

Switches write whole seconds, and round each value by itself, so a second and a half is allowed for.
"""

from typing import Final, Literal

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Said
from calltally.calls.times import SECOND_US, utc_text

_ROUNDED_US: Final = 1_500_000
_TIMES: Final[tuple[Literal["started_us", "ringing_us", "answered_us", "ended_us"], ...]] = (
    "started_us",
    "ringing_us",
    "answered_us",
    "ended_us",
)


def check_times(said: Said) -> None:
    """Raise NotUnderstood for times that are out of their order, and a talk that the call has no room for."""
    earlier, earlier_us = "", 0
    for name in _TIMES:
        if (instant_us := said.get(name)) is None:
            continue
        if earlier and instant_us < earlier_us - _ROUNDED_US:
            message = (
                f"{_shown(name)} {utc_text(instant_us)} is before {_shown(earlier)} {utc_text(earlier_us)}"
            )
            raise NotUnderstood(message)
        earlier, earlier_us = name, max(earlier_us, instant_us)
    _check_talk(said)


def _check_talk(said: Said) -> None:
    talk_seconds = said.get("talk_seconds", 0)
    if not talk_seconds or "ended_us" not in said or "started_us" not in said:
        return
    lasted_us = said["ended_us"] - said["started_us"]
    if talk_seconds * SECOND_US > lasted_us + _ROUNDED_US:
        lasted_s = lasted_us / SECOND_US
        raise NotUnderstood(f"the talk of {talk_seconds:g} s is longer than the call of {lasted_s:g} s")


def _shown(name: str) -> str:
    return {"started_us": "the start", "ringing_us": "the ringing", "answered_us": "the answer"}.get(
        name, "the end"
    )
