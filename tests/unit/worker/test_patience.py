"""Work in the background leaves the interpreter to requests."""

import asyncio

from calltally.calls.times import SECOND_US
from calltally.worker.patience import at_ease


class _Clock:
    """What was worked and slept, of which it knows the time."""

    def __init__(self) -> None:
        self.now_us = 0
        self.slept_s: list[float] = []

    def steady(self) -> int:
        return self.now_us

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_us += round(seconds * SECOND_US)


def test_behind_each_item_comes_a_rest_of_four_times_its_work() -> None:
    clock, done = _Clock(), []
    for item in at_ease((300, 0, 5_000), asyncio.Event(), steady=clock.steady, sleep=clock.sleep):
        clock.now_us += item
        done.append(item)
    assert done == [300, 0, 5_000]
    assert clock.slept_s == [0.0012, 0.0, 0.02]


def test_no_rest_is_long_whatever_an_item_took() -> None:
    clock = _Clock()
    for item in at_ease((3_600 * SECOND_US,), asyncio.Event(), steady=clock.steady, sleep=clock.sleep):
        clock.now_us += item
    assert clock.slept_s == [0.1]


def test_once_it_is_to_stop_nobody_waits_for_a_rest() -> None:
    clock, stop, done = _Clock(), asyncio.Event(), []
    for item in at_ease((100, 200, 300), stop, steady=clock.steady, sleep=clock.sleep):
        clock.now_us += item
        done.append(item)
        if item == 200:
            stop.set()
    assert done == [100, 200, 300]
    assert clock.slept_s == [0.0004]
