"""A worker with all that it needs."""

import asyncio
import os
import secrets
import socket
import time
from functools import partial
from typing import Final

from calltally import __version__
from calltally.alerts.detection.factory import RateDetectors
from calltally.alerts.evaluation.evaluator import Judge
from calltally.alerts.notify.notifier import Teller, Ways
from calltally.bootstrap.clocks import spent_clock, steady_clock
from calltally.bootstrap.outbound import job_folders, mail_sender, outgoing_policy, provider_place
from calltally.bootstrap.vaults import open_vault
from calltally.calls.times import DAY_US, SECOND_US
from calltally.deliveries.dependencies import UNCOUNTED, Sending, Tally
from calltally.exports.job import ExportRunner
from calltally.net.http_client import Outgoing
from calltally.reconcile.jobs.runner import ReconciliationRunner
from calltally.reconcile.open_call_poll import ask_about
from calltally.settings import Settings
from calltally.store.db.interface import Store, WatchedStore
from calltally.store.db.operation import Clock
from calltally.store.jobs.jobs import Kind
from calltally.worker.background import Background
from calltally.worker.dependencies import AlertMeans, Means
from calltally.worker.throttle import Times, at_ease

_HOUR_US: Final = 3600 * SECOND_US


def make_worker(
    settings: Settings, store: Store, clock: Clock, stop: asyncio.Event, tally: Tally = UNCOUNTED
) -> Background:
    """A worker that ends soon after `stop` is set; `tally` counts deliveries."""
    holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    means = Means(
        store=store,
        sending=_sending(settings, store, (clock, holder, tally))
        if isinstance(store, WatchedStore)
        else None,
        events_us=settings.event_days * DAY_US,
        alerts_us=settings.alert_days * DAY_US,
        keep_us=settings.snapshot_hours * _HOUR_US,
        interval_s=settings.worker_interval_seconds,
        holder=holder,
        clock=clock,
        steady=steady_clock,
        chance=secrets.SystemRandom().random,
        folders=job_folders(settings),
        files_us=settings.export_days * DAY_US,
        alerts=alert_means(settings, store, clock, stop),
        runners={
            Kind.EXPORT: ExportRunner(),
            Kind.RECONCILIATION: ReconciliationRunner(provider_place(settings, store), stop),
        },
    )
    return Background(means, stop)


def alert_means(settings: Settings, store: Store, clock: Clock, stop: asyncio.Event) -> AlertMeans:
    """Who judges what happened, and who tells of it; without haste until `stop` is set."""
    ways = Ways(
        outgoing=Outgoing(outgoing_policy(settings)),
        mail=mail_sender(settings),
        vault=lambda: open_vault(settings),
        base=settings.public_url or "",
    )
    place = provider_place(settings, store)
    detectors = RateDetectors() if settings.rate_alerts else None
    pace = partial(at_ease, stop=stop, times=Times(steady_clock, spent_clock, time.sleep))
    return AlertMeans(Judge(store, detectors, pace), Teller(store, ways, clock), partial(ask_about, place))


def _sending(settings: Settings, store: WatchedStore, of_process: tuple[Clock, str, Tally]) -> Sending:
    clock, holder, tally = of_process
    return Sending(
        store=store,
        outgoing=Outgoing(outgoing_policy(settings, float(settings.delivery_timeout_seconds))),
        vault=lambda: open_vault(settings),
        clock=clock,
        chance=secrets.SystemRandom().random,
        holder=holder,
        timeout_s=settings.delivery_timeout_seconds,
        tally=tally,
        user_agent=f"calltally/{__version__}",
    )
