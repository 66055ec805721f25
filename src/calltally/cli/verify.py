"""`calltally verify`: the invariants, checked on a live database."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from calltally.calls.filters import ListQuery
from calltally.cli.printing import AsJson, print_json
from calltally.cli.session import with_store
from calltally.store import verification
from calltally.store.listing import list_calls
from calltally.store.store import Store
from calltally.store.tenants import admin_list_tenants
from calltally.store.verification import Verdict, Verification

_LISTED: Final = 20


def verify(
    *,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant; repeat for more.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Put wrong counters right.")] = False,
    as_json: AsJson = False,
) -> None:
    """Refold every call from its facts, walk every revision, recount every counter and step.

    Reads beside whatever else runs. The exit code is 1 when something is found that was not repaired.
    """
    verdict = with_store(lambda store, _settings: _verify(store, tenant or [], repair=repair))
    if as_json:
        print_json(verdict)
    else:
        _print(verdict)
    if not verdict.is_clean:
        raise typer.Exit(1)


async def _verify(store: Store, named: list[str], *, repair: bool) -> Verdict:
    tenants = named or [tenant.tenant for tenant in await store.read(admin_list_tenants())]
    expected = 0
    for tenant in tenants:
        expected += (await store.read(list_calls(tenant, ListQuery(limit=1)))).total
    with _shown(expected) as progress:
        # Each run draws other pages.
        random = Random()  # noqa: S311 (it chooses samples, not secrets)
        return await Verification(store, progress, random, repair=repair).run(tenants)


@contextmanager
def _shown(calls: int) -> Iterator[verification.Progress]:
    """A bar on a terminal, on the error stream, so that the output stays data; nothing elsewhere."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {
            "calls": bar.add_task("refolding calls", total=calls),
            "facts": bar.add_task("reading facts", total=None),
            "counted": bar.add_task("recounting", total=calls),
        }

        def advance(kind: str, looked_at: int) -> None:
            if kind in tasks:
                bar.advance(tasks[kind], looked_at)

        yield advance


def _print(verdict: Verdict) -> None:
    for finding in verdict.findings[:_LISTED]:
        typer.echo(f"invariant {finding.invariant}: {finding.subject}: {finding.detail}", err=True)
    if (unlisted := len(verdict.findings) - _LISTED) > 0:
        typer.echo(f"and {unlisted} more; --json lists all", err=True)
    looked_at = verdict.looked_at
    typer.echo(
        f"{looked_at['calls']} calls refolded from {looked_at['facts']} facts, "
        f"{looked_at['revisions']} revisions walked, {looked_at['counted']} calls recounted, "
        f"{looked_at['stepped']} for alerts, {looked_at['measured']} for quality, "
        f"{looked_at['pages']} pages of the past compared: "
        f"{_result(verdict)}"
    )


def _result(verdict: Verdict) -> str:
    if not verdict.findings:
        return "clean"
    repaired = f", {verdict.repaired} counters repaired" if verdict.repaired else ""
    return f"{len(verdict.findings)} found{repaired}"
