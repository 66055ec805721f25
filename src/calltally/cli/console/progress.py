"""Progress of a verification on stderr: a bar on a terminal, otherwise one line a minute."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.progress import Progress as Bars

from calltally.store.verify.run import Progress

# Each pass over all calls, in the order in which a tenant is verified.
_PASSES: Final = {
    "calls": "refolded",
    "counted": "recounted",
    "stepped": "recounted for alerts",
    "measured": "for quality",
}
_INTERVAL_US: Final = 60_000_000


@contextmanager
def verification_progress(calls: int, clock: Callable[[], int]) -> Iterator[Progress]:
    """Yield a function that reports the progress over so many calls; `clock` returns microseconds."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ProgressLines(calls, clock).advance
        return
    with Bars(console=console, transient=True) as bars:
        tasks = {kind: bars.add_task(f"calls {label}", total=calls) for kind, label in _PASSES.items()}

        def advance(kind: str, count: int) -> None:
            if kind in tasks:
                bars.advance(tasks[kind], count)

        yield advance


class ProgressLines:
    """Progress lines for logs: a verification of ten million calls takes a while."""

    def __init__(self, calls: int, clock: Callable[[], int]) -> None:
        self._calls = calls
        self._clock = clock
        self._printed_us = clock()
        self._done = dict.fromkeys(_PASSES, 0)

    def advance(self, kind: str, count: int) -> None:
        """Add to a pass; print a line if a minute has passed since the last one."""
        if kind in self._done:
            self._done[kind] += count
        now_us = self._clock()
        if now_us - self._printed_us >= _INTERVAL_US:
            self._printed_us = now_us
            counts = ", ".join(f"{self._done[kind]:,} {label}" for kind, label in _PASSES.items())
            typer.echo(f"of {self._calls:,} calls: {counts}", err=True)
