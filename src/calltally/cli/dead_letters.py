"""`calltally dead-letters`: callbacks that could not be parsed, and another attempt to parse them."""

from typing import Annotated, Final, TypeAlias

import msgspec
import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.times import utc_text
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_result, print_rows
from calltally.cli.console.session import read_once, with_store
from calltally.ingest.callbacks import SecretCache, read_letter
from calltally.ingest.replay import DeadLetterReplay, ReplayReport
from calltally.providers.registry import PROVIDERS, registered_name
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.dead_letters import (
    ANY_PROVIDER,
    DeadLetter,
    browse_dead_letters,
    find_dead_letter,
)
from calltally.store.tenants.tenants import need_tenant

commands: Final = typer.Typer(
    help="List, show and retry callbacks that could not be parsed.", no_args_is_help=True
)
# Control characters of a request would command the terminal.
_CONTROLS: Final = {*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")}
_ESCAPED: Final = {code: f"\\x{code:02x}" for code in _CONTROLS}
_MOST_LISTED: Final = 1_000
OneProvider: TypeAlias = Annotated[str, typer.Option(help=f"Only this provider: {', '.join(PROVIDERS)}.")]
Deliver: TypeAlias = Annotated[
    bool, typer.Option("--deliver", help="Also deliver events of the changes to the tenant's endpoints.")
]
Kept: TypeAlias = Annotated[
    bool,
    typer.Option("--kept", help="Also retry messages that were stored because their kind was unknown."),
]


class DeadLetterRow(msgspec.Struct, frozen=True):
    """One dead letter without its request."""

    id: str
    received_at: str
    provider: str
    repeats: int
    reason: str


@commands.command("list")
def list_all(
    tenant: Tenant,
    *,
    provider: OneProvider = ANY_PROVIDER,
    limit: Annotated[
        int, typer.Option(min=1, max=_MOST_LISTED, help="Maximum number of letters to list.")
    ] = 50,
    as_json: AsJson = False,
) -> None:
    """List the dead letters that wait for a retry, newest first."""
    letters = read_once(_browse(tenant, provider, limit))
    print_rows([_row(letter) for letter in letters], as_json=as_json)


def _browse(tenant: str, provider: str, limit: int) -> StoreOperation[list[DeadLetter]]:
    yield from need_tenant(tenant)
    return (yield from browse_dead_letters(tenant, provider, limit=limit, offset=0))


def _row(letter: DeadLetter) -> DeadLetterRow:
    received_at = utc_text(letter.received_us)
    return DeadLetterRow(letter.letter_id.hex(), received_at, letter.provider, letter.repeats, letter.reason)


@commands.command("show")
def show(
    tenant: Tenant, letter: Annotated[str, typer.Argument(help="The letter's id, as in the list.")]
) -> None:
    """Show a dead letter with its original request. The body may contain telephone numbers."""
    found = read_once(_need_letter(tenant, letter))
    sent = read_letter(found)
    lines = [
        f"{found.provider}, received {utc_text(found.received_us)}, {found.repeats} repeats",
        f"Reason: {found.reason}\n\n{sent.method} {sent.url}",
        *(f"{name}: {value}" for name, value in sorted(sent.headers.items())),
        f"\n{sent.body.decode('utf-8', 'backslashreplace')}",
    ]
    typer.echo("\n".join(lines).translate(_ESCAPED))


def _need_letter(tenant: str, letter: str) -> StoreOperation[DeadLetter]:
    yield from need_tenant(tenant)
    try:
        letter_id = bytes.fromhex(letter)
    except ValueError as fault:
        raise InvalidInput.of("letter", "the id of a dead letter is 32 hexadecimal digits") from fault
    stored = yield from find_dead_letter(tenant, letter_id)
    if stored is None:
        message = f"tenant {tenant} has no dead letter {letter}"
        raise NotFound(message)
    return stored.letter


@commands.command("retry")
def retry(
    tenant: Tenant,
    *,
    provider: OneProvider = ANY_PROVIDER,
    deliver: Deliver = False,
    kept: Kept = False,
    as_json: AsJson = False,
) -> None:
    """Parse the dead letters again and record those that this version can read. Safe to repeat.

    Letters that still cannot be parsed stay stored, are printed with the reason, and make the exit code 1.
    """
    if provider and registered_name(provider) not in PROVIDERS:
        message = f"there is no provider {provider!r}; choose one of {', '.join(PROVIDERS)}"
        raise InvalidInput.of("provider", message)

    async def retry_all(store: Store, settings: Settings) -> ReplayReport:
        secrets = SecretCache(store, open_vault(settings), wall_clock)
        letters = DeadLetterReplay(store, PROVIDERS, clock=wall_clock, secrets=secrets, deliver=deliver)
        return await letters.run(tenant, provider, kept=kept)

    report = with_store(retry_all)
    print_result(report, _print_report, as_json=as_json)
    if report.still_dead:
        raise typer.Exit(1)


def replay(
    *,
    tenant: Annotated[str, typer.Option(help="The tenant's id.")],
    provider: OneProvider = ANY_PROVIDER,
    deliver: Deliver = False,
    kept: Kept = False,
    as_json: AsJson = False,
) -> None:
    """Retry dead letters: the former name of `calltally dead-letters retry`."""
    retry(tenant, provider=provider, deliver=deliver, kept=kept, as_json=as_json)


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
