"""`calltally secrets`: what is encrypted at rest."""

from typing import Final

import typer

from calltally.bootstrap.vaults import open_vault
from calltally.cli.console.output import AsJson, print_json
from calltally.cli.console.session import with_store
from calltally.settings import Settings
from calltally.store.db.interface import Store
from calltally.store.maintenance.key_rotation import Resealed, reseal_tenant, total
from calltally.store.tenants.tenants import admin_list_tenants

commands: Final = typer.Typer(help="Rotate the key that secrets are encrypted with.", no_args_is_help=True)


@commands.callback()
def group() -> None:
    """Keep `reseal` a command of its own while it is the only one."""


@commands.command("reseal")
def reseal(*, as_json: AsJson = False) -> None:
    """Encrypt all secrets with CALLTALLY_SECRET_KEY, also those that CALLTALLY_FORMER_SECRET_KEY opens.

    Behind it the former key can be forgotten. Safe to repeat, and while the service runs.
    """
    done = with_store(_reseal)
    if as_json:
        print_json(done)
    else:
        typer.echo(f"Encrypted {total(iter(done))} secrets of {len(done)} tenants with the current key.")


async def _reseal(store: Store, settings: Settings) -> list[Resealed]:
    vault = open_vault(settings)
    tenants = await store.read(admin_list_tenants())
    return [await store.write(reseal_tenant(each.tenant, vault)) for each in tenants]
