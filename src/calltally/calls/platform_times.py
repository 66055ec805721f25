"""State and times of a call as platforms state them, collected apart from those of other sources. Pure."""

from typing import Final, Literal

from calltally.calls.events import StatedFields
from calltally.calls.implied_times import implied_end_us
from calltally.calls.model import FINAL, Status

TIMES: Final[tuple[Literal["started_us", "ringing_us", "answered_us", "ended_us"], ...]] = (
    "started_us",
    "ringing_us",
    "answered_us",
    "ended_us",
)
# A lookup on the enum class costs as much as the work done with the member.
_RINGING, _IN_PROGRESS = Status.RINGING, Status.IN_PROGRESS


class PlatformTimes:
    """State and times that platforms state. A carrier's statements outrank them."""

    __slots__ = ("is_answered", "times")

    def __init__(self) -> None:
        self.is_answered = False
        self.times: StatedFields = {}

    def take(self, stated: StatedFields, occurred_us: int) -> None:
        """Add one more fact, in the order of facts. Stated times outrank times that a state implies."""
        times, status = self.times, stated.get("status")
        if status == _RINGING:
            times.setdefault("ringing_us", occurred_us)
        if status == _IN_PROGRESS:
            times.setdefault("answered_us", occurred_us)
        if status in FINAL:
            implied_us = times.get("ended_us", implied_end_us(stated, occurred_us))
            times["ended_us"] = stated.get("ended_us", implied_us)
        for name in TIMES:
            if name in stated:
                times[name] = stated[name]
        if "talk_seconds" in stated:
            times["talk_seconds"] = stated["talk_seconds"]
        has_talk = "answered_us" in stated or stated.get("talk_seconds", 0) > 0
        self.is_answered = self.is_answered or has_talk or status == _IN_PROGRESS

    def fill_in(self, merged: StatedFields, *, has_ringing: bool, has_answer: bool, has_end: bool) -> None:
        """Add the times that no other source states: ringing, answer, talk and end."""
        times = self.times
        if "ringing_us" in times and not has_ringing:
            merged["ringing_us"] = times["ringing_us"]
        if "answered_us" in times and not has_answer and "talk_seconds" not in merged:
            merged["answered_us"] = times["answered_us"]
        if "talk_seconds" in times and "talk_seconds" not in merged and not (has_answer and has_end):
            merged["talk_seconds"] = times["talk_seconds"]
        if "ended_us" in times and not has_end:
            merged["ended_us"] = times["ended_us"]
