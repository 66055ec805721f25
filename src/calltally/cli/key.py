"""`calltally key`: the API keys of a tenant."""

from typing import Annotated, Final, TypeAlias

import msgspec
import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.times import utc_text
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_json, print_rows
from calltally.cli.console.session import read_once, write_once
from calltally.store.tenants.api_keys import (
    SCOPES,
    StoredApiKey,
    add_key,
    list_keys,
    mint_key,
    need_key,
    revoke_key,
)
from calltally.web.api.admin.schemas import ApiKey, CreatedApiKey, api_key_resource


class KeyRow(ApiKey, frozen=True):
    """An API key without its secret, and the time of its last use, accurate to an hour."""

    last_used_at: str | None


KeyId: TypeAlias = Annotated[str, typer.Argument(help="The key's id, as in the list.")]
commands: Final = typer.Typer(help="Create, list, show and revoke API keys.", no_args_is_help=True)


@commands.command("add")
def add(
    tenant: Tenant,
    *,
    scope: Annotated[
        list[str], typer.Option(help=f"A scope of the key: one of {', '.join(SCOPES)}. Repeat for more.")
    ],
    name: Annotated[str, typer.Option(help="A label, such as the key's purpose.")] = "",
    as_json: AsJson = False,
) -> None:
    """Create an API key and print it. Only its hash is stored, so the key cannot be printed again."""
    key = mint_key(tenant, scope)
    write_once(add_key(tenant, key, name, wall_clock()))
    if as_json:
        print_json(CreatedApiKey(key.key_id, key.text, key.scopes))
    else:
        typer.echo(key.text)
        typer.echo(
            f"The id of this key is {key.key_id}. Store the key now: it cannot be shown again.", err=True
        )


@commands.command("list")
def list_all(tenant: Tenant, *, as_json: AsJson = False) -> None:
    """List a tenant's keys, the oldest first, with their last use and without their secret part."""
    print_rows([_row(key) for key in read_once(list_keys(tenant))], as_json=as_json)


@commands.command("show")
def show(tenant: Tenant, key_id: KeyId, *, as_json: AsJson = False) -> None:
    """Show a key with its last use, which is accurate to an hour, without its secret part."""
    print_rows([_row(read_once(need_key(tenant, key_id)))], as_json=as_json)


def _row(key: StoredApiKey) -> KeyRow:
    last_used_at = None if key.last_used_us is None else utc_text(key.last_used_us)
    return KeyRow(**msgspec.structs.asdict(api_key_resource(key)), last_used_at=last_used_at)


@commands.command("revoke")
def revoke(tenant: Tenant, key_id: KeyId) -> None:
    """Revoke a key. Running servers reject it within five seconds."""
    write_once(revoke_key(tenant, key_id, wall_clock()))
    typer.echo(f"Revoked {key_id}.")
