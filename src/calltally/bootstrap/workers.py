"""Composition of the background worker."""

import asyncio
import os
import secrets
import socket
import time
from functools import partial
from typing import Final

from calltally import __version__
from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.evaluator import AlertEvaluator
from calltally.alerts.notify.notifier import Notifier, NotifierDependencies
from calltally.bootstrap.clocks import cpu_clock, steady_clock
from calltally.bootstrap.outbound import job_folders, mail_sender, outgoing_policy, provider_access
from calltally.bootstrap.vaults import open_vault
from calltally.calls.times import DAY_US, SECOND_US
from calltally.deliveries.dependencies import NO_METRICS, DeliveryDependencies, DeliveryMetrics
from calltally.exports.job import ExportRunner
from calltally.net.http_client import OutgoingClient
from calltally.reconcile.jobs.runner import ReconciliationRunner
from calltally.reconcile.provider_reconciliation import poll_open_calls
from calltally.settings.fields import Settings
from calltally.store.db.interface import ObservableStore, Store
from calltally.store.db.operation import Clock
from calltally.store.jobs.jobs import JobKind
from calltally.worker.background import BackgroundWork
from calltally.worker.dependencies import AlertDependencies, WorkerDependencies
from calltally.worker.throttle import ThreadClocks, throttled

_HOUR_US: Final = 3600 * SECOND_US


def make_worker(
    settings: Settings, store: Store, clock: Clock, stop: asyncio.Event, tally: DeliveryMetrics = NO_METRICS
) -> BackgroundWork:
    """Assemble a worker that stops soon after `stop` is set; `tally` counts deliveries and notifications."""
    holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    dependencies = WorkerDependencies(
        store=store,
        deliveries=_delivery_dependencies(settings, store, clock, holder=holder, tally=tally)
        if isinstance(store, ObservableStore)
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
        alerts=alert_dependencies(settings, store, clock, stop, tally),
        runners={
            JobKind.EXPORT: ExportRunner(),
            JobKind.RECONCILIATION: ReconciliationRunner(provider_access(settings, store), stop),
        },
    )
    return BackgroundWork(dependencies, stop)


def alert_dependencies(
    settings: Settings, store: Store, clock: Clock, stop: asyncio.Event, tally: DeliveryMetrics = NO_METRICS
) -> AlertDependencies:
    """Assemble the alert evaluator and notifier. The evaluator throttles itself until `stop` is set."""
    transports = NotifierDependencies(
        outgoing=OutgoingClient(outgoing_policy(settings)),
        mail=mail_sender(settings),
        vault=lambda: open_vault(settings),
        base_url=settings.public_url or "",
        tally=tally.notification_attempted,
    )
    context = provider_access(settings, store)
    detectors = RateDetectorFactory() if settings.rate_alerts else None
    pace = partial(throttled, stop=stop, clocks=ThreadClocks(steady_clock, cpu_clock, time.sleep))
    return AlertDependencies(
        AlertEvaluator(store, detectors, pace),
        Notifier(store, transports, clock),
        partial(poll_open_calls, context),
    )


def _delivery_dependencies(
    settings: Settings, store: ObservableStore, clock: Clock, *, holder: str, tally: DeliveryMetrics
) -> DeliveryDependencies:
    return DeliveryDependencies(
        store=store,
        outgoing=OutgoingClient(outgoing_policy(settings, float(settings.delivery_timeout_seconds))),
        vault=lambda: open_vault(settings),
        clock=clock,
        chance=secrets.SystemRandom().random,
        holder=holder,
        timeout_s=settings.delivery_timeout_seconds,
        tally=tally,
        user_agent=f"calltally/{__version__}",
        public_url=settings.public_url or "",
    )
