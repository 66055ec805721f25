"""Queue of claimed jobs per endpoint, with a limit of concurrent requests.

An endpoint without known successes starts with a few requests and earns more. One that fails repeatedly is
probed with a single request now and then. So endpoints that respond use the slots of a worker, however many
others hang.
"""

from collections import deque
from typing import Final

from calltally.retry_policy import RetryPolicy
from calltally.store.webhooks.dispatch import NEVER_US, DeliveryJob
from calltally.store.webhooks.endpoints import Endpoint

FIRST_LIMIT: Final = 4
MAX_IN_FLIGHT: Final = 32
MAX_CLAIMED: Final = 1_000
# An endpoint counts as broken after this many failures in a row.
BROKEN_AFTER: Final = 8
_PROBES: Final = RetryPolicy(first_s=1.0, max_s=60.0)


class EndpointQueue:
    """Claimed jobs of one endpoint: ready, in flight, or finished and not yet recorded."""

    def __init__(self, endpoint: Endpoint, host: str) -> None:
        self.endpoint = endpoint
        self.host = host
        self.ready: deque[DeliveryJob] = deque()
        self.in_flight = 0
        self.due_us = NEVER_US
        self.failing_since_us = endpoint.failing_since_us
        self._claimed: set[bytes] = set()
        self._limit = FIRST_LIMIT
        self._streak = 0
        self._not_before_s = 0.0

    @property
    def claimed(self) -> int:
        return len(self._claimed)

    @property
    def is_broken(self) -> bool:
        """True after several failures in a row."""
        return self._streak >= BROKEN_AFTER

    def capacity(self, now_s: float) -> int:
        """Return the number of jobs that may be claimed. A broken endpoint gets one when a probe is due."""
        if self.is_broken:
            return 1 if not self._claimed and now_s >= self._not_before_s else 0
        return max(0, MAX_CLAIMED - len(self._claimed))

    def backoff_s_left(self, now_s: float) -> float:
        """Return the remaining pause before the next request."""
        return max(0.0, self._not_before_s - now_s)

    def add(self, job: DeliveryJob) -> None:
        if job.event_id not in self._claimed:
            self._claimed.add(job.event_id)
            self.ready.append(job)

    def take_next(self, now_s: float) -> DeliveryJob | None:
        """Return the next job to send, or None if none may be sent now."""
        if not self.ready or self.in_flight >= self._limit or now_s < self._not_before_s:
            return None
        self.in_flight += 1
        return self.ready.popleft()

    def delivered(self) -> None:
        """Count a delivered request, and raise the limit of concurrent requests."""
        self.in_flight -= 1
        self._streak = 0
        self._limit = min(MAX_IN_FLIGHT, self._limit + 1)

    def failed(self, now_s: float, hold_s: float, chance: float) -> None:
        """Count a failed request; its receiver wants no request for `hold_s`."""
        self.in_flight -= 1
        self._streak += 1
        if self.is_broken:
            self._limit = 1
            hold_s = max(hold_s, _PROBES.delay_s(self._streak - BROKEN_AFTER + 1, (1 + chance) / 2))
        self._not_before_s = max(self._not_before_s, now_s + hold_s)

    def postpone(self, event_id: bytes, not_before_s: float) -> None:
        """Drop a job that could not be sent for an internal reason; it is claimed again later."""
        self.in_flight -= 1
        self._not_before_s = not_before_s
        self.recorded(event_id)
        self.release()

    def recorded(self, event_id: bytes) -> None:
        """Drop a job whose outcome is in the database."""
        self._claimed.discard(event_id)

    def release(self, until_us: int = 0) -> None:
        """Drop the ready jobs; they are claimed again at `until_us`, or at once."""
        for job in self.ready:
            self._claimed.discard(job.event_id)
        self.ready.clear()
        self.due_us = until_us
