"""`calltally alerts`: list and acknowledgement of alerts, and back-tests of rules."""

from typing import Annotated, Final

import typer

from calltally.alerts.conditions.shared_sids import SharedSid, shared_sids
from calltally.alerts.notify.notification import STATE_NAMES
from calltally.bootstrap.clocks import wall_clock
from calltally.calls.identity import parse_uuid
from calltally.calls.plurals import counted
from calltally.calls.times import DAY_US, parse_instant, utc_text
from calltally.calls.windows import parse_window
from calltally.cli.alerts import rules, sinks
from calltally.cli.alerts.backtest import backtest
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_result
from calltally.cli.console.session import chosen_tenants, read_once, with_store, write_once
from calltally.cli.lazy_commands import ListedGroup
from calltally.settings.fields import Settings
from calltally.store.alerts.alerts import (
    AlertEvent,
    AlertFilter,
    AlertState,
    StoredAlertChange,
    acknowledge,
    list_alerts,
)
from calltally.store.db.interface import Store
from calltally.store.tenants.tenants import need_tenant
from calltally.web.api.alerts.schemas import AlertResource, alert_resource

commands: Final = typer.Typer(
    help="List and acknowledge alerts, set rules and test them, and list sinks.", no_args_is_help=True
)
_MAX_ALERTS: Final = 1_000
_ANY_TIME_US: Final = 2**62
# Recorded in place of a key.
_ACTOR: Final = "command line"
# As people read them. The names of the API are understood too.
_STATES: Final = {name.lower(): state.value for state, name in STATE_NAMES.items()}


@commands.command("list")
def list_all(
    tenant: Tenant,
    *,
    state: Annotated[
        str,
        typer.Option(
            help="Alerts in this state: firing, acknowledged, resolved, or unresolved (not resolved)."
        ),
    ] = "unresolved",
    as_json: AsJson = False,
) -> None:
    """List alerts, the newest first."""
    states = {**_STATES, **{each: each for each in (*_STATES.values(), "unresolved")}}
    if state not in states:
        raise typer.BadParameter(f"a state is one of {', '.join(states)}", param_hint="--state")
    read_once(need_tenant(tenant))
    filter_ = AlertFilter(-_ANY_TIME_US, _ANY_TIME_US, state=states[state], limit=_MAX_ALERTS)
    found, total = read_once(list_alerts(tenant, filter_))
    alerts = [alert_resource(alert, "") for alert in found]
    print_result(alerts, lambda listed: _print(listed, total), as_json=as_json)


def _print(alerts: list[AlertResource], total: int) -> None:
    for alert in alerts:
        typer.echo(_line(alert))
    typer.echo(counted(total, "alert"))


def _line(alert: AlertResource) -> str:
    return f"{alert.id}  {STATE_NAMES[AlertState(alert.state)]}  {alert.message}"


@commands.command("acknowledge")
def acknowledge_one(
    tenant: Tenant,
    alert: Annotated[str, typer.Argument(help="The alert's id.")],
    *,
    note: Annotated[str | None, typer.Option(help="A note for the alert's history.")] = None,
) -> None:
    """Acknowledge an alert."""
    change = StoredAlertChange(0, wall_clock(), AlertEvent.ACKNOWLEDGED, _ACTOR, note)
    acknowledged = write_once(acknowledge(tenant, parse_uuid(alert) or b"", change))
    typer.echo(_line(alert_resource(acknowledged, "")))


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
    """List SIDs that occur in several tenants, or that several accounts of a provider reported.

    For operators. The exit code is 1 if there are any.
    """
    end = to or utc_text(wall_clock())
    window = parse_window(None, from_ or utc_text(parse_instant(end) - DAY_US), end)

    async def find_all(store: Store, _settings: Settings) -> list[SharedSid]:
        return await shared_sids(store, await chosen_tenants(store), window)

    found = with_store(find_all)
    print_result(found, _print_shared, as_json=as_json)
    if found:
        raise typer.Exit(1)


def _print_shared(found: list[SharedSid]) -> None:
    for each in found:
        calls = ", ".join(f"{call.tenant} {call.id} ({call.status})" for call in each.calls)
        accounts = f"; reported by accounts {', '.join(each.accounts)}" if each.accounts else ""
        typer.echo(f"{each.call_sid}: {calls}{accounts}")
    typer.echo(f"{len(found)} shared SIDs" if len(found) != 1 else "1 shared SID")


commands.command("backtest")(backtest)
commands.add_typer(rules.commands, name="rules", cls=ListedGroup)
commands.add_typer(sinks.commands, name="sink", cls=ListedGroup)
