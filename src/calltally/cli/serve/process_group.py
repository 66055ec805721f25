"""Process group of `serve --workers`: forked together, replaced one by one, ended together.

The processes are forked before an event loop or a thread exists, so they share the loaded program and the
shared counters.
"""

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Final

import typer

from calltally.calls.errors import CalltallyError
from calltally.logs import bind_log_fields, get_logger

_STOPS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
_AWAITED: Final = _STOPS | {signal.SIGCHLD}
# Pause before a dead process is replaced: one that dies at every start must not keep a processor busy.
_PAUSE_S: Final = 1.0
# Longer than the time for responses in progress plus the time to write what is queued then.
_END_S: Final = 25.0

log: Final = get_logger(__name__)


class Processes:
    """Child processes, one per listening socket. Each runs `work` with its number (from 1) and its socket.

    The parent keeps the sockets open: if a child dies, its successor accepts the waiting connections.
    """

    def __init__(
        self, listening: Sequence[socket.socket], work: Callable[[int, socket.socket], None]
    ) -> None:
        self._listening = listening
        self._work = work
        self._context = get_context("fork")
        self._living: dict[int, BaseProcess] = {}

    def run(self) -> int:
        """Run the processes until a signal to stop; return the exit code."""
        # Objects that exist now are never collected, so that their memory pages stay shared.
        gc.collect()
        gc.freeze()
        signal.signal(signal.SIGCHLD, _note)
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        for worker in range(1, len(self._listening) + 1):
            self._begin(worker)
        while signal.sigwait(_AWAITED) not in _STOPS:
            self._replace_dead()
        return self._end()

    def _begin(self, worker: int) -> None:
        """Start a process; if the system cannot create one, retry after a pause."""
        process = self._context.Process(target=self._run_forked, args=(worker,), daemon=True)
        try:
            process.start()
        except OSError as fault:
            why = fault.strerror or str(fault)
            log.warning("process not started", worker=worker, why=why, again_in_s=_PAUSE_S)
            signal.raise_signal(signal.SIGCHLD)
            return
        self._living[worker] = process
        log.debug("process started", worker=worker, pid=process.pid)

    def _run_forked(self, worker: int) -> None:
        # Ctrl-C goes to the parent only, which stops its children once.
        os.setpgid(0, 0)
        for stop in _STOPS:
            # Until the server sets its own handlers, there is nothing to finish.
            signal.signal(stop, lambda _number, _frame: os._exit(0))
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
        own = self._listening[worker - 1]
        for other in self._listening:
            if other is not own:
                other.close()
        bind_log_fields(worker=worker)
        try:
            self._work(worker, own)
        except CalltallyError as error:
            typer.echo(f"calltally: {error.detail}", err=True)
            sys.exit(1)

    def _replace_dead(self) -> None:
        self._bury()
        dead = [worker for worker in range(1, len(self._listening) + 1) if worker not in self._living]
        if dead and signal.sigtimedwait(_STOPS, _PAUSE_S) is not None:
            signal.raise_signal(signal.SIGTERM)
            return
        for worker in dead:
            self._begin(worker)

    def _bury(self) -> None:
        for worker, process in list(self._living.items()):
            if process.exitcode is not None:
                log.warning("process died", worker=worker, code=process.exitcode, again_in_s=_PAUSE_S)
                del self._living[worker]

    def _end(self) -> int:
        for listening in self._listening:
            listening.close()
        for process in self._living.values():
            process.terminate()
        until_s = time.monotonic() + _END_S
        for process in self._living.values():
            process.join(max(until_s - time.monotonic(), 0))
            process.kill()
            process.join()
        return 0 if all(process.exitcode == 0 for process in self._living.values()) else 1


def _note(_number: int, _frame: object) -> None:
    """Do nothing. Without a handler the system discards SIGCHLD, and sigwait would not see it."""
