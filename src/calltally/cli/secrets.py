"""`calltally secrets`: rotation of the key that encrypts stored secrets."""

from typing import Final

import typer

from calltally.bootstrap.vaults import open_vault
from calltally.cli.console.output import AsJson, print_json
from calltally.cli.console.session import with_store
from calltally.settings import Settings
from calltally.store.db.interface import Store
from calltally.store.maintenance.key_rotation import ResealedSecrets, reseal_tenant, total_secrets
from calltally.store.tenants.tenants import admin_list_tenants

commands: Final = typer.Typer(help="Rotate the key that encrypts stored secrets.", no_args_is_help=True)


@commands.callback()
def group() -> None:
    """Make `reseal` a subcommand although it is the only one."""


@commands.command("reseal")
def reseal(*, as_json: AsJson = False) -> None:
    """Encrypt all secrets with CALLTALLY_SECRET_KEY, including those under CALLTALLY_FORMER_SECRET_KEY.

    The former key is not needed afterwards. Safe to repeat, and to run while the service runs.
    """
    tenants = with_store(_reseal)
    if as_json:
        print_json(tenants)
    else:
        typer.echo(
            f"Encrypted {total_secrets(iter(tenants))} secrets of {len(tenants)} tenants"
            " with the current key."
        )


async def _reseal(store: Store, settings: Settings) -> list[ResealedSecrets]:
    vault = open_vault(settings)
    tenants = await store.read(admin_list_tenants())
    return [await store.write(reseal_tenant(each.tenant, vault)) for each in tenants]
