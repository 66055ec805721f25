"""`calltally replay`: another attempt to parse dead letters."""

from typing import Annotated

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_result
from calltally.cli.console.session import with_store
from calltally.ingest.callbacks import SecretCache
from calltally.ingest.replay import DeadLetterReplay, ReplayReport
from calltally.providers.registry import PROVIDERS, registered_name
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.store.tenants.dead_letters import ANY_PROVIDER


def replay(
    *,
    tenant: Annotated[str, typer.Option(help="The tenant's id.")],
    provider: Annotated[
        str, typer.Option(help=f"Only this provider: {', '.join(PROVIDERS)}.")
    ] = ANY_PROVIDER,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Also deliver events of the changes to the tenant's endpoints.")
    ] = False,
    kept: Annotated[
        bool,
        typer.Option("--kept", help="Also replay messages that were stored because their kind was unknown."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Parse stored dead letters again and record those that this version understands. Safe to repeat.

    Letters that still cannot be parsed stay stored, are printed with the reason, and make the exit code 1.
    """
    if provider and registered_name(provider) not in PROVIDERS:
        message = f"there is no provider {provider!r}; choose one of {', '.join(PROVIDERS)}"
        raise InvalidInput.of("provider", message)

    async def replay_all(store: Store, settings: Settings) -> ReplayReport:
        secrets = SecretCache(store, open_vault(settings), wall_clock)
        letters = DeadLetterReplay(store, PROVIDERS, clock=wall_clock, secrets=secrets, deliver=deliver)
        return await letters.run(tenant, provider, kept=kept)

    report = with_store(replay_all)
    print_result(report, _print_report, as_json=as_json)
    if report.still_dead:
        raise typer.Exit(1)


def _print_report(report: ReplayReport) -> None:
    for letter in report.listed:
        typer.echo(f"not understood: {letter.provider} {letter.letter_id}: {letter.reason}", err=True)
    if unlisted := report.still_dead - len(report.listed):
        typer.echo(f"not understood: {unlisted} more", err=True)
    facts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.facts.items())) or "no facts"
    of_unknown_kinds = f", {report.kept} of unknown kinds" if report.kept else ""
    typer.echo(
        f"{report.understood} understood ({facts}){of_unknown_kinds}, {report.still_dead} not understood."
    )
