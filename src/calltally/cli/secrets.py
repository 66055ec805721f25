"""`calltally secrets`: rotation of the key that encrypts stored secrets."""

from typing import Final

import typer

from calltally.bootstrap.vaults import open_vault
from calltally.calls.plurals import counted
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_result
from calltally.cli.console.session import chosen_tenants, with_store
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.store.maintenance.key_rotation import ResealedSecrets, reseal_tenant, total_secrets

commands: Final = typer.Typer(help="Rotate the key that encrypts stored secrets.", no_args_is_help=True)


@commands.command("reseal")
def reseal(*, as_json: AsJson = False) -> None:
    """Encrypt all secrets again, with CALLTALLY_SECRET_KEY instead of CALLTALLY_FORMER_SECRET_KEY.

    The former key is not needed afterwards. Safe to repeat, and to run while the service runs.
    """
    print_result(with_store(_reseal), _print, as_json=as_json)


async def _reseal(store: Store, settings: Settings) -> list[ResealedSecrets]:
    vault = open_vault(settings)
    return [await store.write(reseal_tenant(each, vault)) for each in await chosen_tenants(store)]


def _print(tenants: list[ResealedSecrets]) -> None:
    secrets, of = counted(total_secrets(iter(tenants)), "secret"), counted(len(tenants), "tenant")
    typer.echo(f"Encrypted {secrets} of {of} with the current key.")
