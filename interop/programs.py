"""Other people's servers, started by us on loopback with files of ours, and ended by their process id."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from interop.service import Failed, log_tail

T = TypeVar("T")

WAIT_S: Final = 30
_STOP_S: Final = 10
_TRY_AGAIN_S: Final = 0.1


@contextmanager
def running_program(command: Sequence[str], log: Path) -> Iterator[None]:
    """A program, and what it starts, for as long as the block runs. What it says goes into `log`."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, start_new_session=True
            )
        except FileNotFoundError as fault:
            raise Failed(
                f"{command[0]} is not installed; `make interop` says which package has it"
            ) from fault
    try:
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """A command may be a script that starts the program, as Node's is: all of the group are ended."""
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def fetch(url: str) -> Any:  # noqa: ANN401 (JSON may be anything)
    """The JSON at a URL of this machine."""
    with urllib.request.urlopen(url, timeout=WAIT_S) as answer:  # noqa: S310 (always http and loopback)
        return json.load(answer)


def wait_for(what: str, look: Callable[[], T | None], log: Path) -> T:
    """Look until there is something. Raises Failed, with the end of the log, where nothing is in time."""
    deadline = monotonic() + WAIT_S
    while monotonic() < deadline:
        try:
            if found := look():
                return found
        except OSError:
            # It has not begun to listen yet.
            pass
        sleep(_TRY_AGAIN_S)
    raise Failed(f"{what}: not within {WAIT_S} s\n{log_tail(log)}")
