"""What a worker has in hand of one endpoint, and how much of it may be under way at a time.

An endpoint that is not known to answer begins with a few requests and earns more; one that fails again and
again is left with one, now and then, to see whether it is back. So the slots of a worker go to those that
use them, however many hang.
"""

from collections import deque
from typing import Final

from calltally.store.webhooks.dispatch import NEVER_US, Job
from calltally.store.webhooks.endpoints import Endpoint

FIRST_LIMIT: Final = 4
MAX_IN_FLIGHT: Final = 32
MAX_CLAIMED: Final = 1_000
# So many failures without a success between them, and an endpoint counts as broken.
BROKEN_AFTER: Final = 8
_MAX_PROBE_S: Final = 60.0
_FIRST_PROBE_S: Final = 1.0
_MOST_DOUBLINGS: Final = 10


class EndpointQueue:
    """One endpoint's jobs in hand: those that are ready, under way, or done and not yet noted."""

    def __init__(self, endpoint: Endpoint, host: str) -> None:
        self.endpoint = endpoint
        self.host = host
        self.ready: deque[Job] = deque()
        self.in_flight = 0
        self.due_us = NEVER_US
        self.failing_since_us = endpoint.failing_since_us
        self._claimed: set[bytes] = set()
        self._limit = FIRST_LIMIT
        self._streak = 0
        self._not_before_s = 0.0

    @property
    def claimed(self) -> int:
        """How many are in hand."""
        return len(self._claimed)

    @property
    def is_broken(self) -> bool:
        """Whether nothing got through for a while."""
        return self._streak >= BROKEN_AFTER

    def capacity(self, now_s: float) -> int:
        """How many more may be taken in hand: of a broken endpoint one, when it is to be probed."""
        if self.is_broken:
            return 1 if not self._claimed and now_s >= self._not_before_s else 0
        return max(0, MAX_CLAIMED - len(self._claimed))

    def backoff_s_left(self, now_s: float) -> float:
        """For how long nothing is to be sent."""
        return max(0.0, self._not_before_s - now_s)

    def add(self, job: Job) -> None:
        """Take a job in hand, unless it is already."""
        if job.event_id not in self._claimed:
            self._claimed.add(job.event_id)
            self.ready.append(job)

    def take_next(self, now_s: float) -> Job | None:
        """A job to be sent now, if one may be."""
        if not self.ready or self.in_flight >= self._limit or now_s < self._not_before_s:
            return None
        self.in_flight += 1
        return self.ready.popleft()

    def delivered(self) -> None:
        """A request was taken: more may be under way."""
        self.in_flight -= 1
        self._streak = 0
        self._limit = min(MAX_IN_FLIGHT, self._limit + 1)

    def failed(self, now_s: float, hold_s: float, chance: float) -> None:
        """A request was not taken, and its receiver wants nothing for `hold_s`."""
        self.in_flight -= 1
        self._streak += 1
        if self.is_broken:
            self._limit = 1
            span_s: float = _FIRST_PROBE_S * 2.0 ** min(self._streak - BROKEN_AFTER, _MOST_DOUBLINGS)
            hold_s = max(hold_s, (1 + chance) / 2 * min(_MAX_PROBE_S, span_s))
        self._not_before_s = max(self._not_before_s, now_s + hold_s)

    def postpone(self, event_id: bytes, not_before_s: float) -> None:
        """Nothing was sent, through no fault of the receiver: it is asked for again later."""
        self.in_flight -= 1
        self._not_before_s = not_before_s
        self.recorded(event_id)
        self.release()

    def recorded(self, event_id: bytes) -> None:
        """What became of a job is in the database: it is in hand no more."""
        self._claimed.discard(event_id)

    def release(self, until_us: int = 0) -> None:
        """Leave what is ready to the database, to be asked for again at a time, at once unless said."""
        for job in self.ready:
            self._claimed.discard(job.event_id)
        self.ready.clear()
        self.due_us = until_us
