"""Clocks of the process. All other code receives a clock as a parameter."""

import time


def wall_clock() -> int:
    """Return the current time in microseconds UTC."""
    return time.time_ns() // 1000


def steady_clock() -> int:
    """Return monotonic microseconds, for durations."""
    return time.monotonic_ns() // 1000


def cpu_clock() -> int:
    """Return the processor time of this process in microseconds."""
    return time.process_time_ns() // 1000
