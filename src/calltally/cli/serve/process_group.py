"""Several processes behind one port: begun together, begun again when one dies, ended together.

They are forked before there is a loop, a thread or a connection: so they share the memory of the program, the
socket with what waits in it when one of them dies, and the numbers that belong to all of them; and a new one
is there in a moment.
"""

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from typing import Final

import typer

from calltally.bootstrap.clocks import steady_clock
from calltally.calls.errors import CalltallyError
from calltally.calls.times import SECOND_US
from calltally.logs import get_logger, name_in_each_line
from calltally.multiprocess import Crew

_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
# What lived so long did not die of how it began, and is begun again at once.
_STEADY_US: Final = 10 * SECOND_US
# What did not waits longer each time.
_FIRST_WAIT_US: Final = SECOND_US // 10
_LONGEST_WAIT_US: Final = 10 * SECOND_US
# How often to look whether the first is ready.
_LOOK_S: Final = 0.02
# Longer than answers under way are given, and what is queued then takes to be written.
_END_US: Final = 25 * SECOND_US

log: Final = get_logger(__name__)


@dataclass
class _Place:
    """One place of the crew, who has it, and when it is to be filled again."""

    number: int
    process: BaseProcess | None = None
    begun_us: int = 0
    due_us: int = 0
    early_deaths: int = 0


class Processes:
    """A process for each place of a crew, which does `work` with the number of its place.

    Until the first has taken its place nothing else is begun, so that what none could do is told once.
    """

    def __init__(self, crew: Crew, work: Callable[[int], None]) -> None:
        self._crew = crew
        self._work = work
        self._places = [_Place(number) for number in crew.places]
        self._context = get_context("fork")
        self._until_us: int | None = None
        self._is_clean = True

    def run(self, began: Callable[[], None], ends: Callable[[], None]) -> int:
        """Returns the exit code. `began` is called when the first is ready, `ends` before all are ended."""
        # What is there now is never collected, so that its pages stay shared.
        gc.collect()
        gc.freeze()
        with _told_of_signals() as told:
            fault = self._begin_first(told)
            if fault is not None:
                return fault
            if self._until_us is None:
                began()
            while self._is_going_on():
                self._fill()
                for number in self._wait(told, self._longest_wait_s()):
                    if self._until_us is None:
                        ends()
                    self._pass_on(number)
                self._bury()
        return 0 if self._is_clean else 1

    def _begin_first(self, told: socket.socket) -> int | None:
        """The exit code where the first died before it was ready."""
        first = self._places[0]
        self._begin(first)
        while first.process is not None and self._crew.pid_at(first.number) != first.process.pid:
            for number in self._wait(told, _LOOK_S):
                self._pass_on(number)
            if first.process.exitcode is not None:
                return 0 if self._until_us is not None else max(first.process.exitcode, 1)
        return None

    def _is_going_on(self) -> bool:
        return self._until_us is None or any(place.process is not None for place in self._places)

    def _fill(self) -> None:
        if self._until_us is not None:
            return
        now_us = steady_clock()
        for place in self._places:
            if place.process is None and place.due_us <= now_us:
                self._attempt(place)

    def _attempt(self, place: _Place) -> None:
        """Where the system has no process to give the others go on, and it is asked again later."""
        try:
            self._begin(place)
        except OSError as fault:
            place.process = None
            wait_us = self._put_off(place, is_early=True)
            why = fault.strerror or str(fault)
            log.warning("process not begun", worker=place.number, why=why, again_in_s=wait_us / SECOND_US)

    def _begin(self, place: _Place) -> None:
        place.process = self._context.Process(target=self._run_apart, args=(place.number,), daemon=True)
        place.begun_us = steady_clock()
        # Whoever is told to stop before it has handlers of its own must not use the parent's.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            place.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        log.debug("process begun", worker=place.number, pid=place.process.pid)

    def _run_apart(self, number: int) -> None:
        """In the new process."""
        # Ctrl-C is for the parent, which passes it on once.
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for stop in _STOPS:
            # Until the server has handlers of its own there is nothing to finish.
            signal.signal(stop, lambda _number, _frame: os._exit(0))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        name_in_each_line(worker=number)
        try:
            self._work(number)
        except CalltallyError as error:
            typer.echo(f"calltally: {error.detail}", err=True)
            sys.exit(1)

    def _wait(self, told: socket.socket, most_s: float | None) -> list[int]:
        """Until a signal comes or a process ends; returns the signals."""
        living = [place.process.sentinel for place in self._places if place.process is not None]
        ready = connection.wait([told, *living], most_s)
        return [number for number in told.recv(64) if number in _STOPS] if told in ready else []

    def _longest_wait_s(self) -> float | None:
        dues = [place.due_us for place in self._places if place.process is None]
        dues = ([] if self._until_us is None else [self._until_us]) or dues
        return max(min(dues) - steady_clock(), 0) / SECOND_US if dues else None

    def _pass_on(self, number: int) -> None:
        if self._until_us is None:
            self._until_us = steady_clock() + _END_US
        for place in self._places:
            if place.process is not None and place.process.pid is not None:
                os.kill(place.process.pid, number)

    def _bury(self) -> None:
        """Take the dead from their places; when their time is over, the others too."""
        is_over = self._until_us is not None and steady_clock() >= self._until_us
        for place in self._places:
            if place.process is not None and place.process.exitcode is not None:
                self._take_away(place, place.process.exitcode)
            elif place.process is not None and is_over:
                place.process.kill()

    def _take_away(self, place: _Place, code: int) -> None:
        place.process = None
        self._crew.leave_place(place.number)
        if self._until_us is not None:
            self._is_clean = self._is_clean and code == 0
            return
        wait_us = self._put_off(place, is_early=steady_clock() - place.begun_us < _STEADY_US)
        log.warning("process died", worker=place.number, code=code, again_in_s=wait_us / SECOND_US)

    def _put_off(self, place: _Place, *, is_early: bool) -> int:
        """Have it begun later the more often it died early; returns in how many microseconds."""
        place.early_deaths = place.early_deaths + 1 if is_early else 0
        wait_us = min(_FIRST_WAIT_US << (place.early_deaths - 1), _LONGEST_WAIT_US) if is_early else 0
        place.due_us = steady_clock() + wait_us
        return wait_us


@contextmanager
def _told_of_signals() -> Iterator[socket.socket]:
    """A socket that has a byte for each signal that came."""
    told, teller = socket.socketpair()
    told.settimeout(0)
    teller.settimeout(0)
    former = {number: signal.signal(number, _note) for number in _STOPS}
    former_fd = signal.set_wakeup_fd(teller.fileno(), warn_on_full_buffer=False)
    try:
        yield told
    finally:
        signal.set_wakeup_fd(former_fd)
        for number, handler in former.items():
            signal.signal(number, handler)
        told.close()
        teller.close()


def _note(_number: int, _frame: object) -> None:
    """The byte says it all."""
