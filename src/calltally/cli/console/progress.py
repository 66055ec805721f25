"""How far a walk over the ledgers is: a bar on a terminal, elsewhere a line a minute, both on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.progress import Progress as Bars

from calltally.store.verify.run import Progress

# Each kind of look at all calls, in the order of a tenant's.
_LOOKS: Final = {
    "calls": "refolded",
    "counted": "recounted",
    "stepped": "recounted for alerts",
    "measured": "for quality",
}
_EVERY_US: Final = 60_000_000


@contextmanager
def shown(calls: int, clock: Callable[[], int]) -> Iterator[Progress]:
    """What is to be told how much was looked at, of so many calls; `clock` has microseconds."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(calls, clock).advance
        return
    with Bars(console=console, transient=True) as bars:
        tasks = {kind: bars.add_task(f"calls {words}", total=calls) for kind, words in _LOOKS.items()}

        def advance(kind: str, looked_at: int) -> None:
            if kind in tasks:
                bars.advance(tasks[kind], looked_at)

        yield advance


class Lines:
    """For logs: ten million calls take a while, and whoever waits wants to know how long still."""

    def __init__(self, calls: int, clock: Callable[[], int]) -> None:
        self._calls = calls
        self._clock = clock
        self._told_us = clock()
        self._done = dict.fromkeys(_LOOKS, 0)

    def advance(self, kind: str, looked_at: int) -> None:
        """So many more; nothing is said of a walk that ends within a minute."""
        if kind in self._done:
            self._done[kind] += looked_at
        now_us = self._clock()
        if now_us - self._told_us >= _EVERY_US:
            self._told_us = now_us
            told = ", ".join(f"{self._done[kind]:,} {words}" for kind, words in _LOOKS.items())
            typer.echo(f"of {self._calls:,} calls: {told}", err=True)
