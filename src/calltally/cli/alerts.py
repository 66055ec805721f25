"""`calltally alerts`: what fires, who looks after it, and what would have fired."""

from typing import Annotated, Final

import typer

from calltally.bootstrap import wall_clock
from calltally.calls.identity import parse_uuid
from calltally.cli.printing import AsJson, print_json
from calltally.cli.session import read_once, write_once
from calltally.store.alerts import AlertFilter, Change, What, acknowledge, list_alerts
from calltally.web.api.alert_shapes import AlertShown, show_alert

commands: Final = typer.Typer(help="Look after alerts.", no_args_is_help=True)
_MOST: Final = 1_000
_EVER: Final = 2**62
# Who acknowledged where nobody showed a key.
_COMMAND: Final = "command line"

_Tenant = Annotated[str, typer.Argument(help="Whose alerts.")]


@commands.command("list")
def list_all(
    tenant: _Tenant,
    *,
    state: Annotated[
        str, typer.Option(help="open, acknowledged, resolved, or unresolved for the first two.")
    ] = "unresolved",
    as_json: AsJson = False,
) -> None:
    """List alerts, the newest first."""
    wanted = AlertFilter(-_EVER, _EVER, state=state, limit=_MOST)
    found, total = read_once(list_alerts(tenant, wanted))
    shown = [show_alert(alert, "") for alert in found]
    if as_json:
        print_json(shown)
        return
    for alert in shown:
        _print(alert)
    typer.echo(f"{total} alerts" if total != 1 else "1 alert")


def _print(alert: AlertShown) -> None:
    typer.echo(f"{alert.id}  {alert.state}  {alert.message}")


@commands.command("acknowledge")
def acknowledge_one(
    tenant: _Tenant,
    alert: Annotated[str, typer.Argument(help="The alert's id.")],
    *,
    note: Annotated[str | None, typer.Option(help="Why, for the history.")] = None,
) -> None:
    """Say that somebody looks after an alert."""
    by = Change(0, wall_clock(), What.ACKNOWLEDGED, _COMMAND, note)
    done = write_once(acknowledge(tenant, parse_uuid(alert) or b"", by))
    _print(show_alert(done, ""))
