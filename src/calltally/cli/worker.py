"""`calltally worker`: background work in a process of its own."""

import asyncio
import os
import signal
from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.traces import export_traces
from calltally.bootstrap.vaults import check_secrets
from calltally.bootstrap.workers import make_worker
from calltally.calls.plurals import counted
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_result
from calltally.cli.console.session import with_store
from calltally.logs import get_logger, set_up_logs
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.worker.background import BackgroundWork
from calltally.worker.job_batches import WorkerRound

log: Final = get_logger(__name__)


def worker(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Do the work that is due now, print a summary, and exit.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Deliver events, run jobs and alerts; delete expired calls, and history that no snapshot needs any more.

    Runs until SIGTERM or SIGINT. Any number of workers may run, in addition to `serve`.
    """
    if not once:
        with_store(_work)
        return
    rounds = with_store(_work_once)
    print_result(rounds, _print, as_json=as_json)
    if any(each.failed for each in rounds):
        raise typer.Exit(1)


async def _work(store: Store, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    background = await _open(store, settings, stop)
    log.info("working", database=store.dialect)
    end_traces = export_traces(os.environ)
    try:
        await background.run()
    finally:
        end_traces()
    log.info("stopped")


async def _work_once(store: Store, settings: Settings) -> list[WorkerRound]:
    """Run jobs, alerts, deliveries and maintenance until no work is left."""
    background = await _open(store, settings, asyncio.Event())
    while any([await jobs.run_slices() for jobs in background.jobs]):
        pass
    await background.presence.report()
    if background.alerts is not None:
        while any(not run.is_current for run in await background.alerts.evaluate_due()):
            pass
    if background.deliverer is not None:
        await background.deliverer.run_due()
    rounds = [await background.rounds.run_round(wall_clock())]
    while rounds[-1].left and not rounds[-1].failed:
        rounds.append(await background.rounds.run_round(wall_clock()))
    return rounds


async def _open(store: Store, settings: Settings, stop: asyncio.Event) -> BackgroundWork:
    set_up_logs(settings.log_format, settings.log_level)
    await check_secrets(settings, store)
    return make_worker(settings, store, wall_clock, stop)


def _print(rounds: list[WorkerRound]) -> None:
    for done in rounds:
        letters = counted(done.expired_letters, "dead letter")
        expired = f"{counted(done.expired_calls, 'call')} and {letters} expired"
        others = f"{counted(done.busy, 'job runs', 'jobs run')} in another worker, {done.failed:,} failed"
        pruned = f"{counted(done.tenants, 'tenant')}: {counted(done.pruned, 'row')} pruned"
        typer.echo(f"{pruned}, {expired}; {others}")
