"""Times of a call that a fact implies without stating them. Pure."""

from calltally.calls.events import StatedFields
from calltally.calls.times import SECOND_US


def final_us(said: StatedFields, occurred_us: int) -> int:
    """Return when the call of a fact with a final state was over, where the fact states no end.

    A table often has a start and a talk and no more. Its row is dated by its start, and the talk follows.
    """
    begun_us = said.get("answered_us", said.get("started_us"))
    if begun_us is None:
        return occurred_us
    return max(occurred_us, begun_us + int(said.get("talk_seconds", 0) * SECOND_US))


def talk_begun_us(said: StatedFields, ended_us: int | None) -> int | None:
    """Return when a talk began by its length and the end of the call.

    None where there was no talk or no end, and for a fact that states when the talk or the call began.
    """
    talk_seconds = said.get("talk_seconds", 0)
    if talk_seconds <= 0 or ended_us is None or "answered_us" in said or "started_us" in said:
        return None
    return ended_us - int(talk_seconds * SECOND_US)
