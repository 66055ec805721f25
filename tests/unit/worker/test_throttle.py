"""Throttled work leaves the interpreter to requests."""

import asyncio

import pytest

from calltally.calls.times import SECOND_US
from calltally.worker.throttle import ThreadClocks, throttled


class _Clock:
    """Clock that advances with work and sleep; other threads use a share of the sleep."""

    def __init__(self, others: float = 0.0) -> None:
        self.now_us = self.cpu_us = 0
        self.slept_s: list[float] = []
        self._others = others

    @property
    def clocks(self) -> ThreadClocks:
        return ThreadClocks(lambda: self.now_us, lambda: self.cpu_us, self.sleep)

    def work(self, us: int) -> None:
        self.now_us += us
        self.cpu_us += us

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_us += round(seconds * SECOND_US)
        self.cpu_us += round(seconds * SECOND_US * self._others)


def test_pause_is_four_times_the_work_of_an_item() -> None:
    clock, done = _Clock(), []
    for item in throttled((300, 0, 5_000), asyncio.Event(), clock.clocks):
        clock.work(item)
        done.append(item)
    assert done == [300, 0, 5_000]
    assert clock.slept_s == [0.0012, 0.0, 0.02]


@pytest.mark.parametrize(("others", "rest"), [(0.0, 4), (0.5, 16.5), (1.0, 29), (2.0, 29)])
def test_pauses_grow_with_the_load_of_the_process(others: float, rest: float) -> None:
    clock = _Clock(others)
    for _ in throttled(range(100), asyncio.Event(), clock.clocks):
        clock.work(1_000)
    assert clock.slept_s[0] == 0.004
    assert clock.slept_s == sorted(clock.slept_s)
    assert clock.slept_s[-1] == pytest.approx(rest / 1_000, rel=0.01)


def test_pauses_are_bounded() -> None:
    clock = _Clock()
    for item in throttled((3_600 * SECOND_US,), asyncio.Event(), clock.clocks):
        clock.work(item)
    assert clock.slept_s == [0.1]


def test_no_pauses_after_stop() -> None:
    clock, stop, done = _Clock(), asyncio.Event(), []
    for item in throttled((100, 200, 300), stop, clock.clocks):
        clock.work(item)
        done.append(item)
        if item == 200:
            stop.set()
    assert done == [100, 200, 300]
    assert clock.slept_s == [0.0004]
