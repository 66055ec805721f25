"""`calltally verify`: the invariants, checked on a live database."""

from random import Random
from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import steady_clock
from calltally.calls.filters import ListQuery
from calltally.cli.console.output import AsJson, print_json
from calltally.cli.console.progress import shown
from calltally.cli.console.session import with_store
from calltally.store.db.interface import Store
from calltally.store.listing.seek import Seek
from calltally.store.rollups.call_counters import ALL
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.store.verify.run import Verdict, Verification

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
        # By the counters alone: of a ledger that is damaged no page may be there.
        expected += await store.read(Seek(tenant, ListQuery(), ALL).total())
    with shown(expected, steady_clock) as progress:
        # Each run draws other pages.
        random = Random()  # noqa: S311 (it chooses samples, not secrets)
        return await Verification(store, progress, random, repair=repair).run(tenants)


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
