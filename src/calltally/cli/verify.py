"""`calltally verify`: a check of the invariants on a live database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress as Bars

from calltally.bootstrap.clocks import steady_clock
from calltally.calls.list_query import ListQuery
from calltally.calls.plurals import counted
from calltally.cli.console.options import AsJson, OnlyTenants
from calltally.cli.console.output import print_result
from calltally.cli.console.session import chosen_tenants, with_store
from calltally.store.db.interface import Store
from calltally.store.listing.seek import Seek
from calltally.store.rollups.call_counters import ALL
from calltally.store.verify.run import Progress, Verification, VerifyResult

_MAX_LISTED: Final = 20
# Each pass over all calls, in the order in which a tenant is verified.
_PASSES: Final = {
    "calls": "refolded",
    "counted": "recounted",
    "stepped": "recounted for alerts",
    "measured": "for quality",
}
_INTERVAL_US: Final = 60_000_000


def verify(
    *,
    tenant: OnlyTenants = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair wrong counters.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the stored data: recompute every call, check all revisions, recount all counters and alert steps.

    The service may run meanwhile. The exit code is 1 if an error was found and not repaired.
    """
    verdict = with_store(lambda store, _settings: _verify(store, tenant, repair=repair))
    print_result(verdict, _print, as_json=as_json)
    if not verdict.is_clean:
        raise typer.Exit(1)


async def _verify(store: Store, chosen: list[str] | None, *, repair: bool) -> VerifyResult:
    tenants = await chosen_tenants(store, chosen)
    expected = 0
    for tenant in tenants:
        # From the counters alone: a damaged ledger may not be able to return a page.
        expected += await store.read(Seek(tenant, ListQuery(), ALL).total())
    with verification_progress(expected, steady_clock) as progress:
        # Each run samples other pages.
        random = Random()  # noqa: S311 (it chooses samples, not secrets)
        return await Verification(store, progress, random, repair=repair).run(tenants)


def _print(verdict: VerifyResult) -> None:
    for finding in verdict.findings[:_MAX_LISTED]:
        typer.echo(f"invariant {finding.invariant}: {finding.subject}: {finding.detail}", err=True)
    if (unlisted := len(verdict.findings) - _MAX_LISTED) > 0:
        typer.echo(f"and {unlisted} more; --json lists all", err=True)
    checked = verdict.rows_read
    repaired = f", {counted(verdict.repaired, 'counter')} repaired" if verdict.repaired else ""
    result = f"{counted(len(verdict.findings), 'fault')} found{repaired}" if verdict.findings else "clean"
    typer.echo(
        f"{counted(checked['calls'], 'call')} recomputed from {counted(checked['facts'], 'fact')}, "
        f"{counted(checked['revisions'], 'revision')} checked, "
        f"{counted(checked['counted'], 'call')} recounted, "
        f"{checked['stepped']:,} for alerts, {checked['measured']:,} for quality, "
        f"{counted(checked['pages'], 'page')} of past snapshots compared: "
        f"{result}"
    )


@contextmanager
def verification_progress(calls: int, clock: Callable[[], int]) -> Iterator[Progress]:
    """Yield a function that reports the progress on stderr: a bar on a terminal, else a line a minute."""
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
    """Progress lines for logs; `clock` returns microseconds."""

    def __init__(self, calls: int, clock: Callable[[], int]) -> None:
        self._calls = calls
        self._clock = clock
        self._printed_us = clock()
        self._done = dict.fromkeys(_PASSES, 0)

    def advance(self, kind: str, count: int) -> None:
        if kind in self._done:
            self._done[kind] += count
        now_us = self._clock()
        if now_us - self._printed_us >= _INTERVAL_US:
            self._printed_us = now_us
            counts = ", ".join(f"{self._done[kind]:,} {label}" for kind, label in _PASSES.items())
            typer.echo(f"of {counted(self._calls, 'call')}: {counts}", err=True)
