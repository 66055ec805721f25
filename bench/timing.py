"""Clocks and statistics: everything is a median of rounds that alternate between the two sides."""

import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Final

US_PER_S: Final = 1_000_000
MS_PER_S: Final = 1_000
_KIB: Final = 1024
_ROUND_S: Final = 0.005

Timed = Callable[[], Awaitable[object]]


def wall_us() -> int:
    """Now, in microseconds UTC, as the service takes it."""
    return time.time_ns() // 1000


def cpu_seconds(pid: int) -> float:
    """The processor time that all threads of a process have taken so far.

    By the process's own clock (Linux; clock_getcpuclockid(3) makes the same number of a pid), since
    /proc counts in ticks of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


def cpu_seconds_with_children(pid: int) -> float:
    """The same of a process and of those that it began and that run now."""
    return sum(map(cpu_seconds, (pid, *children_of(pid))))


def children_of(pid: int) -> list[int]:
    """The processes that any thread of a process began, and that run now (Linux; proc(5))."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text(encoding="ascii").split()]


def resident_bytes(pid: int, *, without: Path | None = None) -> int:
    """How much memory a process holds now, without what it maps of a file (Linux; proc_pid_smaps(5)).

    Such pages are the system's, which takes them back when it likes; each that is touched counts as sixteen.
    """
    of_file, held = False, 0
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            of_file = without is not None and line.endswith(f" {without}")
        elif name == "Rss:" and not of_file:
            held += int(rest[0]) * _KIB
    return held


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def interleaved(*sides: Timed, rounds: int, most_seconds: float = 20.0) -> list[float]:
    """The median seconds of each side. They take turns, so that noise falls on all alike.

    A turn lasts some milliseconds: a short side that ran once after a long one would find the
    processor's caches full of the other's data. Ends before `rounds` where all take too long.
    """
    taken: list[list[float]] = [[] for _ in sides]
    until = time.perf_counter() + most_seconds
    for _ in range(rounds):
        for side, seconds in zip(sides, taken, strict=True):
            seconds.extend(await _round(side))
        if time.perf_counter() > until:
            break
    return [median(seconds) for seconds in taken]


async def _round(side: Timed) -> list[float]:
    seconds: list[float] = []
    until = time.perf_counter() + _ROUND_S
    while not seconds or time.perf_counter() < until:
        seconds.append(await _seconds(side))
    return seconds


async def _seconds(side: Timed) -> float:
    started = time.perf_counter()
    await side()
    return time.perf_counter() - started


def settle() -> None:
    """Collect garbage now rather than in what is timed next."""
    gc.collect()
