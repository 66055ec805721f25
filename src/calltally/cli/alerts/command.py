"""`calltally alerts`: list and acknowledgement of alerts, and back-tests of rules."""

from typing import Annotated, Final

import typer

from calltally.alerts.conditions.shared_sids import SharedSid, shared_sids
from calltally.bootstrap.clocks import wall_clock
from calltally.calls.identity import parse_uuid
from calltally.calls.times import DAY_US, parse_instant, utc_text
from calltally.calls.windows import TimeWindow, parse_window
from calltally.cli.alerts.backtest_command import backtest
from calltally.cli.console.output import AsJson, print_json
from calltally.cli.console.session import read_once, with_store, write_once
from calltally.store.alerts.alerts import AlertEvent, AlertFilter, StoredAlertChange, acknowledge, list_alerts
from calltally.store.db.interface import Store
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.web.api.alerts.schemas import AlertResource, alert_resource

commands: Final = typer.Typer(
    help="List and acknowledge alerts, and test rules on past calls.", no_args_is_help=True
)
_MAX_ALERTS: Final = 1_000
_ANY_TIME_US: Final = 2**62
# Recorded in place of a key.
_ACTOR: Final = "command line"

_Tenant = Annotated[str, typer.Argument(help="The tenant's id.")]


@commands.command("list")
def list_all(
    tenant: _Tenant,
    *,
    state: Annotated[
        str,
        typer.Option(
            help="State of the alerts: open, acknowledged, resolved, or unresolved for the first two."
        ),
    ] = "unresolved",
    as_json: AsJson = False,
) -> None:
    """List alerts, the newest first."""
    filter_ = AlertFilter(-_ANY_TIME_US, _ANY_TIME_US, state=state, limit=_MAX_ALERTS)
    found, total = read_once(list_alerts(tenant, filter_))
    alerts = [alert_resource(alert, "") for alert in found]
    if as_json:
        print_json(alerts)
        return
    for alert in alerts:
        _print(alert)
    typer.echo(f"{total} alerts" if total != 1 else "1 alert")


def _print(alert: AlertResource) -> None:
    typer.echo(f"{alert.id}  {alert.state}  {alert.message}")


@commands.command("acknowledge")
def acknowledge_one(
    tenant: _Tenant,
    alert: Annotated[str, typer.Argument(help="The alert's id.")],
    *,
    note: Annotated[str | None, typer.Option(help="A note for the alert's history.")] = None,
) -> None:
    """Acknowledge an alert."""
    change = StoredAlertChange(0, wall_clock(), AlertEvent.ACKNOWLEDGED, _ACTOR, note)
    acknowledged = write_once(acknowledge(tenant, parse_uuid(alert) or b"", change))
    _print(alert_resource(acknowledged, ""))


@commands.command("shared-sids")
def shared(
    *,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Calls created at or after this time. Default: a day before --to."),
    ] = None,
    to: Annotated[str | None, typer.Option(help="Calls created before this time. Default: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """List SIDs that calls of several tenants have, or that several accounts of a provider reported.

    For operators. The exit code is 1 if there are any.
    """
    end = to or utc_text(wall_clock())
    window = parse_window(None, from_ or utc_text(parse_instant(end) - DAY_US), end)
    found = with_store(lambda store, _settings: _shared_sids(store, window))
    if as_json:
        print_json(found)
    else:
        for each in found:
            typer.echo(_shared_line(each))
        typer.echo(f"{len(found)} shared SIDs" if len(found) != 1 else "1 shared SID")
    if found:
        raise typer.Exit(1)


async def _shared_sids(store: Store, window: TimeWindow) -> list[SharedSid]:
    tenants = [each.tenant for each in await store.read(admin_list_tenants())]
    return await shared_sids(store, tenants, window)


def _shared_line(found: SharedSid) -> str:
    calls = ", ".join(f"{each.tenant} {each.id} ({each.status})" for each in found.calls)
    accounts = f"; reported by accounts {', '.join(found.accounts)}" if found.accounts else ""
    return f"{found.call_sid}: {calls}{accounts}"


commands.command("backtest")(backtest)
