"""`calltally verify`: a check of the invariants on a live database."""

from random import Random
from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import steady_clock
from calltally.calls.filters import ListQuery
from calltally.cli.console.output import AsJson, print_json
from calltally.cli.console.progress import verification_progress
from calltally.cli.console.session import with_store
from calltally.store.db.interface import Store
from calltally.store.listing.seek import Seek
from calltally.store.rollups.call_counters import ALL
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.store.verify.run import Verification, VerifyResult

_MAX_LISTED: Final = 20


def verify(
    *,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant. Repeat for more.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair wrong counters.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the invariants: fold every call again, walk all revisions, recount all counters and steps.

    The service may run meanwhile. The exit code is 1 if a fault was found that was not repaired.
    """
    verdict = with_store(lambda store, _settings: _verify(store, tenant or [], repair=repair))
    if as_json:
        print_json(verdict)
    else:
        _print(verdict)
    if not verdict.is_clean:
        raise typer.Exit(1)


async def _verify(store: Store, requested: list[str], *, repair: bool) -> VerifyResult:
    tenants = requested or [tenant.tenant for tenant in await store.read(admin_list_tenants())]
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
    typer.echo(
        f"{checked['calls']} calls refolded from {checked['facts']} facts, "
        f"{checked['revisions']} revisions walked, {checked['counted']} calls recounted, "
        f"{checked['stepped']} for alerts, {checked['measured']} for quality, "
        f"{checked['pages']} pages of past snapshots compared: "
        f"{_result(verdict)}"
    )


def _result(verdict: VerifyResult) -> str:
    if not verdict.findings:
        return "clean"
    repaired = f", {verdict.repaired} counters repaired" if verdict.repaired else ""
    return f"{len(verdict.findings)} faults found{repaired}"
