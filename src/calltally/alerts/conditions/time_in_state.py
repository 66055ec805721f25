"""How long calls stay in a state, learned from those that left it: pure, and of no store.

A call is unanswered from its creation on, and in progress from its answer on; so each past call tells of one
state or of both. The limit is the time by which 99.9 % have left the state, by Kaplan and Meier, with calls
that are still in it counted as lasting at least so long, and half as much again.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from calltally.calls.model import Status

QUANTILE: Final = 0.999
MARGIN: Final = 1.5


class PastCall(NamedTuple):
    """A call that is over: when it was created, when it was answered (None: never), when it ended."""

    created_us: int
    answered_us: int | None
    ended_us: int

    def lasted_us(self, status: str) -> int | None:
        """How long it was in progress, or unanswered for any other state; None where it was not in it."""
        if status != Status.IN_PROGRESS:
            left_us = self.ended_us if self.answered_us is None else self.answered_us
            return max(0, left_us - self.created_us)
        return None if self.answered_us is None else max(0, self.ended_us - self.answered_us)


def time_to_final(ended_us: Iterable[int], open_us: Iterable[int], quantile: float = QUANTILE) -> int | None:
    """The time by which such a part of calls has left; None where too few are known to say so.

    Kaplan and Meier (1958): at each time at which calls left, the part that is still there shrinks by those
    among all that had lasted until then. `open_us` are the ages of calls that are still there: censored.
    """
    # Of those that lasted as long, the final ones come first, by the convention of the method.
    times = sorted([*((each, False) for each in ended_us), *((each, True) for each in open_us)])
    left, surviving = len(times), 1.0
    for lasted_us, is_open in times:
        if not is_open:
            surviving *= 1 - 1 / left
            if surviving <= 1 - quantile:
                return lasted_us
        left -= 1
    return None


def limit_us(status: str, past: Iterable[PastCall], open_us: Sequence[int]) -> int:
    """Beyond which time in a state a call is stuck; 0 where no past call tells."""
    lasted = [each for call in past if (each := call.lasted_us(status)) is not None]
    quantile_us = time_to_final(lasted, open_us)
    if quantile_us is None:
        quantile_us = max(lasted, default=0)
    return int(quantile_us * MARGIN)
