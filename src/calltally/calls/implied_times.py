"""Times of a call that a fact implies without stating them. Pure."""

from calltally.calls.events import StatedFields
from calltally.calls.times import SECOND_US


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
