"""What platforms say of a call's state and times, kept apart until it is known what others say. Pure."""

from typing import Final, Literal

from calltally.calls.events import StatedFields
from calltally.calls.implied_times import final_us
from calltally.calls.model import FINAL, Status

TIMES: Final[tuple[Literal["started_us", "ringing_us", "answered_us", "ended_us"], ...]] = (
    "started_us",
    "ringing_us",
    "answered_us",
    "ended_us",
)
# Looked up on the class each of them costs as much as what is done with it.
_RINGING, _IN_PROGRESS = Status.RINGING, Status.IN_PROGRESS


class PlatformTimes:
    """What platforms say of state and times: whoever carries the call knows better."""

    __slots__ = ("answered", "times")

    def __init__(self) -> None:
        self.answered = False
        self.times: StatedFields = {}

    def take(self, said: StatedFields, occurred_us: int) -> None:
        """One more fact, in the order of facts. What is stated stands before what a state implies."""
        times, status = self.times, said.get("status")
        if status == _RINGING:
            times.setdefault("ringing_us", occurred_us)
        if status == _IN_PROGRESS:
            times.setdefault("answered_us", occurred_us)
        if status in FINAL:
            times["ended_us"] = said.get("ended_us", times.get("ended_us", final_us(said, occurred_us)))
        for name in TIMES:
            if name in said:
                times[name] = said[name]
        if "talk_seconds" in said:
            times["talk_seconds"] = said["talk_seconds"]
        is_talk = "answered_us" in said or said.get("talk_seconds", 0) > 0
        self.answered = self.answered or is_talk or status == _IN_PROGRESS

    def fill_in(self, merged: StatedFields, *, rang: bool, talked: bool, ended: bool) -> None:
        """Add to what all others say what they do not: when it rang, was talked in, and ended."""
        times = self.times
        if "ringing_us" in times and not rang:
            merged["ringing_us"] = times["ringing_us"]
        if "answered_us" in times and not talked and "talk_seconds" not in merged:
            merged["answered_us"] = times["answered_us"]
        if "talk_seconds" in times and "talk_seconds" not in merged and not (talked and ended):
            merged["talk_seconds"] = times["talk_seconds"]
        if "ended_us" in times and not ended:
            merged["ended_us"] = times["ended_us"]
