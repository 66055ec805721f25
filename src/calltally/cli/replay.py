"""`calltally replay`: dead letters through today's code."""

from typing import Annotated

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput
from calltally.cli.console.output import AsJson, print_json
from calltally.cli.console.session import with_store
from calltally.ingest.callbacks import SecretCache
from calltally.ingest.replay import DeadLetterReplay, ReplayReport
from calltally.providers.registry import PROVIDERS, registered_name
from calltally.settings import Settings
from calltally.store.db.interface import Store
from calltally.store.tenants.dead_letters import ANY_PROVIDER


def replay(
    *,
    tenant: Annotated[str, typer.Option(help="Whose dead letters.")],
    provider: Annotated[
        str, typer.Option(help=f"Only of one provider: {', '.join(PROVIDERS)}.")
    ] = ANY_PROVIDER,
    deliver: Annotated[bool, typer.Option("--deliver", help="Tell the tenant's endpoints too.")] = False,
    kept: Annotated[
        bool, typer.Option("--kept", help="Messages too that were kept because their kind was unknown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read kept callbacks that were not understood once more. Safe to repeat.

    What is understood now goes in; what is not stays, is told with its reason, and makes the exit code 1.
    """
    if provider and registered_name(provider) not in PROVIDERS:
        message = f"there is no provider {provider!r}; there are {', '.join(PROVIDERS)}"
        raise InvalidInput.of("provider", message)

    async def replay_all(store: Store, settings: Settings) -> ReplayReport:
        secrets = SecretCache(store, open_vault(settings), wall_clock)
        told = DeadLetterReplay(store, PROVIDERS, clock=wall_clock, secrets=secrets, deliver=deliver)
        return await told.run(tenant, provider, kept=kept)

    report = with_store(replay_all)
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    if report.still_dead:
        raise typer.Exit(1)


def _print_report(report: ReplayReport) -> None:
    for letter in report.listed:
        typer.echo(f"not understood: {letter.provider} {letter.letter_id}: {letter.reason}", err=True)
    if unlisted := report.still_dead - len(report.listed):
        typer.echo(f"not understood: {unlisted} more", err=True)
    facts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.facts.items())) or "no facts"
    of_unknown_kinds = f", {report.kept} kept" if report.kept else ""
    typer.echo(f"{report.understood} understood ({facts}){of_unknown_kinds}, {report.still_dead} not.")
