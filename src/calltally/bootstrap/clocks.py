"""Where time comes from. Everything below is handed a clock."""

import time


def wall_clock() -> int:
    """Now, in microseconds UTC. Everything below is handed this."""
    return time.time_ns() // 1000


def steady_clock() -> int:
    """Microseconds that nobody sets back, for how long something lasts."""
    return time.monotonic_ns() // 1000


def spent_clock() -> int:
    """Microseconds of processor time that this process has had."""
    return time.process_time_ns() // 1000
