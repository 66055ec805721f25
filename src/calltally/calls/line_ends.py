"""Ends of the line of a call, and the rule that finds the tenant's own end.

Carriers and switches state which party closed an answered call: the caller or the called party. The direction
of the call decides whether that party is the tenant's own end. Often another message states the direction, so
the fold decides.
"""

from enum import StrEnum

from calltally.calls.model import Direction


class LineEnd(StrEnum):
    """End of the line as a source names it: by its part in the call, or from the tenant's view."""

    CALLER = "caller"
    CALLED = "called"
    REMOTE = "remote"
    LOCAL = "local"


def is_remote_end(end: str, direction: str | None) -> bool | None:
    """Decide whether an end is the other party's; None if that needs the direction, and none is known."""
    if end in (LineEnd.REMOTE, LineEnd.LOCAL):
        return end == LineEnd.REMOTE
    if direction is None:
        return None
    # The other party places inbound calls; the tenant places outbound ones.
    return (end == LineEnd.CALLER) == (direction == Direction.INBOUND)
