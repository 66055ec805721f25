"""Pure estimate of the time that calls stay in a state, learned from calls that left it.

A call is unanswered from its creation on, and in progress from its answer on. So each past call gives the
duration of one or two states. The limit is the time by which 99.9 % have left the state, plus half as much
again. The estimator is Kaplan and Meier's: calls that are still in the state count as lasting at least until
now.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from calltally.calls.model import Status

QUANTILE: Final = 0.999
MARGIN: Final = 1.5


class PastCall(NamedTuple):
    """A finished call: its creation, its answer (None: never) and its end."""

    created_us: int
    answered_us: int | None
    ended_us: int

    def lasted_us(self, status: str) -> int | None:
        """Return the time in progress, or unanswered for any other state; None if it was not in the state."""
        if status != Status.IN_PROGRESS:
            left_us = self.ended_us if self.answered_us is None else self.answered_us
            return max(0, left_us - self.created_us)
        return None if self.answered_us is None else max(0, self.ended_us - self.answered_us)


def time_to_final(ended_us: Iterable[int], open_us: Iterable[int], quantile: float = QUANTILE) -> int | None:
    """Return the time by which this fraction of calls has left; None if too few calls are known.

    Kaplan and Meier (1958): at each time at which calls left, the surviving fraction shrinks by their share
    of all calls that lasted until then. `open_us` are the ages of calls that are still there: censored.
    """
    # By the convention of the method, final calls come before open ones of the same duration.
    times = sorted([*((each, False) for each in ended_us), *((each, True) for each in open_us)])
    remaining, surviving = len(times), 1.0
    for lasted_us, is_open in times:
        if not is_open:
            surviving *= 1 - 1 / remaining
            if surviving <= 1 - quantile:
                return lasted_us
        remaining -= 1
    return None


def limit_us(status: str, past: Iterable[PastCall], open_us: Sequence[int]) -> int:
    """Return the time in a state beyond which a call is stuck; 0 without past calls."""
    lasted = [each for call in past if (each := call.lasted_us(status)) is not None]
    quantile_us = time_to_final(lasted, open_us)
    if quantile_us is None:
        quantile_us = max(lasted, default=0)
    return int(quantile_us * MARGIN)
