"""`calltally provider`: the secrets that a provider's callbacks are verified with."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput
from calltally.cli.console.session import with_store
from calltally.providers.credentials import validated_secrets
from calltally.providers.generic.signature import MAPPING
from calltally.providers.registry import PROVIDERS, registered_name
from calltally.settings import Settings
from calltally.store.db.interface import Store
from calltally.store.tenants.vault import put_provider_secrets

commands: Final = typer.Typer(help="Store providers' secrets.", no_args_is_help=True)


@commands.callback()
def group() -> None:
    """Keep `put` a command of its own while it is the only one."""


@commands.command("put")
def put(
    tenant: Annotated[str, typer.Argument(help="The tenant's id.")],
    provider: Annotated[
        str,
        typer.Argument(
            help=f"One of {', '.join(sorted(PROVIDERS))}; or generic-NAME, for one of several mappings."
        ),
    ],
    *,
    mapping: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="The mapping of a generic provider."),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE. Others on this machine can see it in the list of processes, and the shell keeps"
            " it in its history: better leave it out."
        ),
    ] = None,
) -> None:
    """Store a provider's secrets, encrypted, in place of those before.

    Without --secret they are asked for, or read from standard input as lines of NAME=VALUE.
    """
    pairs = _read_pairs(secret) if secret else _ask(provider)
    if mapping is not None:
        pairs = {**pairs, MAPPING: read_mapping(mapping)}
    given = validated_secrets(provider, pairs)

    async def store_sealed(store: Store, settings: Settings) -> None:
        sealed = open_vault(settings).seal(tenant, provider, given)
        await store.write(put_provider_secrets(tenant, provider, sealed, wall_clock()))

    with_store(store_sealed)
    typer.echo(f"Stored {', '.join(sorted(given))} of {provider} for {tenant}.")


def _ask(provider: str) -> Mapping[str, str]:
    """From a terminal the required secret alone, unseen; else all that standard input has."""
    if not sys.stdin.isatty():
        return _read_pairs(line for line in sys.stdin.read().splitlines() if line.strip())
    registered = PROVIDERS.get(registered_name(provider))
    needs = [name for name in registered.needs if name != MAPPING] if registered else []
    name = (*needs, "secret")[0]
    return {name: typer.prompt(name, hide_input=True)}


def read_mapping(path: Path) -> str:
    """The text of a mapping's file. Raises InvalidInput."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as fault:
        raise InvalidInput.of("mapping", f"{path.name} is not UTF-8: {fault.reason}") from fault


def _read_pairs(lines: Iterable[str]) -> Mapping[str, str]:
    pairs = [line.strip().partition("=") for line in lines]
    if not all(equals and name for name, equals, _value in pairs):
        raise InvalidInput.of("secret", "write each secret as NAME=VALUE; it is not repeated here")
    return {name.strip(): value.strip() for name, _equals, value in pairs}
