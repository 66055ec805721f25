"""`calltally provider`: the secrets that verify a provider's callbacks."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput
from calltally.calls.times import utc_text
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_rows
from calltally.cli.console.session import read_once, with_store, write_once
from calltally.providers.credentials import validated_secrets
from calltally.providers.generic.mapping_packs import pack_names, pack_text
from calltally.providers.generic.signature import MAPPING
from calltally.providers.registry import PROVIDERS, registered_name
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.store.tenants.vault import (
    find_provider_secrets,
    list_provider_secrets,
    no_secrets,
    put_provider_secrets,
    remove_provider_secrets,
)


class StoredProvider(msgspec.Struct, frozen=True):
    """A provider with stored secrets, and the time of their last change."""

    provider: str
    updated_at: str


class StoredSecrets(StoredProvider, frozen=True):
    """A provider with the names of its stored secrets."""

    secrets: tuple[str, ...]


StoredName: TypeAlias = Annotated[str, typer.Argument(help="Its name, as in the list.")]
commands: Final = typer.Typer(
    help="Store, list, show and remove the secrets of providers.", no_args_is_help=True
)


@commands.command("put")
def put(
    tenant: Tenant,
    provider: Annotated[
        str,
        typer.Argument(
            help=f"One of {', '.join(sorted(PROVIDERS))}; or generic-NAME for one of many generic ones."
        ),
    ],
    *,
    mapping: Annotated[
        str,
        typer.Option(help="File with the mapping of a generic provider, or the name of a mapping pack."),
    ] = "",
    secret: Annotated[
        list[str] | None,
        typer.Option(
            help="A secret. It is visible in the list of processes and in the shell's history, so"
            " prefer the prompt or standard input."
        ),
    ] = None,
) -> None:
    """Store a provider's secrets, encrypted. They replace the earlier ones.

    Without --secret, the command prompts for the secret, or reads lines of NAME=VALUE from standard input.
    """
    pairs = _read_pairs(secret) if secret else _prompt(provider)
    if mapping:
        pairs = {**pairs, MAPPING: read_mapping(mapping)}
    secrets = validated_secrets(provider, pairs)

    async def store_sealed(store: Store, settings: Settings) -> None:
        sealed = open_vault(settings).seal(tenant, provider, secrets)
        await store.write(put_provider_secrets(tenant, provider, sealed, wall_clock()))

    with_store(store_sealed)
    typer.echo(f"Stored {', '.join(sorted(secrets))} of {provider} for {tenant}.")


@commands.command("list")
def list_all(tenant: Tenant, *, as_json: AsJson = False) -> None:
    """List a tenant's providers with stored secrets, without the secrets."""
    rows = [
        StoredProvider(provider, utc_text(updated_us))
        for provider, updated_us in read_once(list_provider_secrets(tenant))
    ]
    print_rows(rows, as_json=as_json)


@commands.command("show")
def show(tenant: Tenant, provider: StoredName, *, as_json: AsJson = False) -> None:
    """Show the names of a provider's stored secrets, without the secrets."""

    async def names(store: Store, settings: Settings) -> StoredSecrets:
        updated_us = dict(await store.read(list_provider_secrets(tenant)))
        sealed = await store.read(find_provider_secrets(tenant, provider))
        if sealed is None:
            raise no_secrets(tenant, provider)
        opened = open_vault(settings).open(tenant, provider, sealed)
        return StoredSecrets(provider, utc_text(updated_us[provider]), tuple(sorted(opened)))

    print_rows([with_store(names)], as_json=as_json)


@commands.command("remove")
def remove(tenant: Tenant, provider: StoredName) -> None:
    """Remove a provider's secrets. Its callbacks are then refused with 403; its calls stay."""
    write_once(remove_provider_secrets(tenant, provider))
    typer.echo(f"Removed the secrets of {provider} for {tenant}.")


def _prompt(provider: str) -> Mapping[str, str]:
    """Prompt for the required secret with hidden input on a terminal; else read all of standard input."""
    if not sys.stdin.isatty():
        return _read_pairs(line for line in sys.stdin.read().splitlines() if line.strip())
    registered = PROVIDERS.get(registered_name(provider))
    required = [name for name in registered.needs if name != MAPPING] if registered else []
    name = (*required, "secret")[0]
    return {name: typer.prompt(name, hide_input=True)}


def read_mapping(source: str) -> str:
    """Return the text of a mapping's file, or else of the pack with this name. Raises InvalidInput."""
    path = Path(source)
    if not path.is_file():
        if source in pack_names():
            return pack_text(source)
        packs = ", ".join(pack_names())
        raise InvalidInput.of("mapping", f"{source!r} is neither a file nor a pack; the packs are {packs}")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as fault:
        raise InvalidInput.of("mapping", f"{path.name} is not UTF-8: {fault.reason}") from fault


def _read_pairs(lines: Iterable[str]) -> Mapping[str, str]:
    pairs = [line.strip().partition("=") for line in lines]
    if not all(equals and name for name, equals, _value in pairs):
        raise InvalidInput.of("secret", "a secret is not written as NAME=VALUE; its text is not printed here")
    return {name.strip(): value.strip() for name, _equals, value in pairs}
