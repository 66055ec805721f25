"""`calltally alerts`: what fires, who looks after it, and what would have fired."""

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
from calltally.store.alerts.alerts import AlertFilter, Change, What, acknowledge, list_alerts
from calltally.store.db.interface import Store
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.web.api.alerts.schemas import AlertShown, show_alert

commands: Final = typer.Typer(help="Look after alerts, and try rules on the past.", no_args_is_help=True)
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


@commands.command("shared-sids")
def shared(
    *,
    from_: Annotated[
        str | None, typer.Option("--from", help="Of calls created at or after this; a day before --to.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Of calls created before this; now if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """List SIDs that several tenants have, or several accounts of a provider told of. For operators alone.

    The exit code is 1 where there are any.
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
    whose = ", ".join(f"{each.tenant} {each.id} ({each.status})" for each in found.calls)
    accounts = f"; told by accounts {', '.join(found.accounts)}" if found.accounts else ""
    return f"{found.call_sid}: {whose}{accounts}"


commands.command("backtest")(backtest)
