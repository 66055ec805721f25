"""Rate limit per key: a token bucket, stored as one number (the generic cell rate algorithm).

The number of requests is the setting `rate_limit_per_minute` in `settings/fields.py`.
"""

from typing import Final, NoReturn

from calltally.calls.errors import TooManyRequests
from calltally.calls.times import SECOND_US
from calltally.multiprocess import SharedNumbers
from calltally.store.db.operation import Clock

_MINUTE_US: Final = 60 * SECOND_US
_SWEEP_AT_KEYS: Final = 10_000


class RateLimits:
    """Limit of `per_minute` requests per minute and key, with bursts of the same size; 0 for none.

    `clock` should be monotonic: a wall clock that is set back would lock keys out. With `shared`, the limit
    applies to all processes together.
    """

    def __init__(self, per_minute: int, clock: Clock, shared: SharedNumbers | None = None) -> None:
        self.limit = per_minute
        self._clock = clock
        # Time at which each key's bucket is full again, in units of 1 us / per_minute, so that the arithmetic
        # is exact.
        self._full_at: dict[str, int] = {}
        # The same in us, for several processes: exact to a few nanoseconds.
        self._shared = shared
        self._sweep_at = _SWEEP_AT_KEYS

    def take(self, key_id: str) -> int:
        """Count one request and return the remaining budget, 0 without a limit. Raises TooManyRequests."""
        if not self.limit:
            return 0
        now = self._clock() * self.limit
        full_at = max(now, self._full_time(key_id)) + _MINUTE_US
        left = now + self.limit * _MINUTE_US - full_at
        if left < 0:
            self._refuse(left)
        self._set_full_time(key_id, full_at)
        if len(self._full_at) > self._sweep_at:
            self._sweep(now)
        return left // _MINUTE_US

    def _full_time(self, key_id: str) -> int:
        if self._shared is None:
            return self._full_at.get(key_id, 0)
        return round(self._shared.get(key_id) * self.limit)

    def _set_full_time(self, key_id: str, full_at: int) -> None:
        if self._shared is None:
            self._full_at[key_id] = full_at
        else:
            self._shared.put(key_id, full_at / self.limit)

    def _refuse(self, left: int) -> NoReturn:
        wait_s = -(left // (self.limit * SECOND_US))
        message = f"this key may make {self.limit} requests a minute; try again in {wait_s} s"
        raise TooManyRequests(message, wait_s)

    def _sweep(self, now: int) -> None:
        """Remove full buckets, which equal new ones. The next sweep is due at twice the number of buckets."""
        self._full_at = {key_id: full_at for key_id, full_at in self._full_at.items() if full_at > now}
        self._sweep_at = max(_SWEEP_AT_KEYS, 2 * len(self._full_at))
