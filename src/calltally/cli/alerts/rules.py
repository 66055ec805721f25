"""`calltally alerts rules`: the alert rules of a tenant."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import Rules, read_rules, rules_as_values
from calltally.bootstrap.clocks import wall_clock
from calltally.calls.errors import InvalidInput
from calltally.cli.console.options import Tenant
from calltally.cli.console.output import print_json
from calltally.cli.console.session import read_once, write_once
from calltally.store.alerts.detector_state import drop_rules, put_rules, rules_of_tenant
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.tenants import need_tenant

commands: Final = typer.Typer(help="Show, set and reset the alert rules.", no_args_is_help=True)


@commands.command("show")
def show(tenant: Tenant) -> None:
    """Show a tenant's rules as JSON, or the defaults if it has none."""
    print_json(rules_as_values(rules_or_defaults(read_once(_rules(tenant)))))


def _rules(tenant: str) -> StoreOperation[bytes | None]:
    yield from need_tenant(tenant)
    return (yield from rules_of_tenant(tenant))


@commands.command("put")
def put(
    tenant: Tenant,
    file: Annotated[Path, typer.Argument(help="File with the rules, TOML (.toml) or JSON.")],
) -> None:
    """Replace a tenant's rules. Missing fields get their defaults."""
    rules = rules_as_values(rules_in_file(file))
    write_once(put_rules(tenant, msgspec.json.encode(rules), wall_clock()))
    typer.echo(f"Stored the alert rules of {tenant}.")


def rules_in_file(file: Path) -> Rules:
    """Return the rules of a file. Raises InvalidInput if it cannot be read or is not valid."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidInput.of("rules", f"{file} cannot be read: {fault}") from fault
    return read_rules(text, is_toml=file.suffix == ".toml")


@commands.command("reset")
def reset(tenant: Tenant) -> None:
    """Remove a tenant's own rules, so that the defaults apply."""
    write_once(drop_rules(tenant))
    typer.echo(f"The default alert rules now apply to {tenant}.")
