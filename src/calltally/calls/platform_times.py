"""Times of a call that platforms state or facts imply, collected separately from those of other sources."""

from typing import Final, Literal

from calltally.calls.events import StatedFields
from calltally.calls.model import FINAL, Status
from calltally.calls.times import SECOND_US

TIMES: Final[tuple[Literal["started_us", "ringing_us", "answered_us", "ended_us"], ...]] = (
    "started_us",
    "ringing_us",
    "answered_us",
    "ended_us",
)
# A lookup on the enum class costs as much as the work done with the member.
_RINGING, _IN_PROGRESS = Status.RINGING, Status.IN_PROGRESS


def implied_end_us(stated: StatedFields, occurred_us: int) -> int:
    """Return the end of a call for a fact with a final state that states no end.

    Rows of a table often have only a start and a talk time. Such a row is dated by its start, and the talk
    time is added.
    """
    start_us = stated.get("answered_us", stated.get("started_us"))
    if start_us is None:
        return occurred_us
    return max(occurred_us, start_us + int(stated.get("talk_seconds", 0) * SECOND_US))


def implied_talk_start_us(stated: StatedFields, ended_us: int | None) -> int | None:
    """Return the start of a talk, computed from its length and the end of the call.

    Return None without a talk or an end, and for a fact that states the start of the talk or of the call.
    """
    talk_seconds = stated.get("talk_seconds", 0)
    if talk_seconds <= 0 or ended_us is None or "answered_us" in stated or "started_us" in stated:
        return None
    return ended_us - int(talk_seconds * SECOND_US)


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
