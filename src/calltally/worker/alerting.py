"""Alert worker: evaluates each tenant's alerts and sends their notifications."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from calltally.alerts.conditions.current_conditions import (
    current_conditions,
    providers_with_signature_failures,
)
from calltally.alerts.conditions.stuck_calls import stuck_calls
from calltally.alerts.evaluation.evaluator import (
    Conditions,
    EvaluationRun,
    is_evaluation_due,
    rules_or_defaults,
)
from calltally.alerts.model.finding import AlertKind
from calltally.calls.errors import CalltallyError
from calltally.calls.times import SECOND_US
from calltally.logs import errors_logged, get_logger
from calltally.providers.registry import FETCHERS
from calltally.store.alerts.alerts import unresolved_alerts
from calltally.store.alerts.detector_state import rules_of_tenant
from calltally.store.db.leases import Lease, claim, release
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.worker.dependencies import AlertDependencies, WorkerDependencies
from calltally.worker.throttle import wait_for_stop

ALERTS_LEASE: Final = "alerts"
LEASE_US: Final = 60 * SECOND_US
# Latency of evaluations after the end of a step, and of notifications after an evaluation.
_INTERVAL_S: Final = 10.0
_POLL_EVERY_US: Final = 3_600 * SECOND_US
_MAX_POLLED: Final = 50

log: Final = get_logger(__name__)


class AlertWorker:
    """Evaluates alerts and sends notifications until `stop` is set."""

    def __init__(
        self, dependencies: WorkerDependencies, alerts: AlertDependencies, stop: asyncio.Event
    ) -> None:
        self._dependencies = dependencies
        self._store = dependencies.store
        self._evaluator = alerts.evaluator
        self._notifier = alerts.notifier
        self._poll_provider = alerts.poll_provider
        self._polled_us: dict[tuple[str, str], int] = {}
        # Providers with wrong signatures at the last evaluation of a tenant.
        self._reported_providers: dict[str, frozenset[str]] = {}
        self._stop = stop

    async def run(self) -> None:
        """Evaluate repeatedly, without a pause while history is left to evaluate: it throttles itself."""
        is_behind = False
        while not await wait_for_stop(
            self._stop, 0 if is_behind else _INTERVAL_S * (0.5 + self._dependencies.chance())
        ):
            is_behind = any(not run.is_current for run in await self.evaluate_due())

    async def evaluate_due(self) -> Sequence[EvaluationRun]:
        """Evaluate each due tenant once, and return the evaluations. Errors are logged.

        Each tenant gets one evaluation, so that no tenant waits for another's history.
        """
        runs: list[EvaluationRun] = []
        for tenant in await self._tenants():
            # An error does not stop other tenants; the lease expires after it.
            with errors_logged(log.error, "alert evaluation failed", CalltallyError, tenant=tenant):
                evaluated = await self._evaluate_tenant(tenant)
                await self._notifier.send_due(tenant, self._dependencies.holder)
                runs += evaluated
            if self._stop.is_set():
                break
        return runs

    async def _tenants(self) -> Sequence[str]:
        with errors_logged(log.warning, "alerts wait for the database", CalltallyError):
            return [tenant.tenant for tenant in await self._store.read(admin_list_tenants())]
        return ()

    async def _poll_providers(self, tenant: str, now_us: int) -> None:
        """Fetch stuck calls from their provider, each at most once an hour, and record the response."""
        poll_provider = self._poll_provider
        if poll_provider is None:
            return
        self._polled_us = {key: us for key, us in self._polled_us.items() if now_us - us < _POLL_EVERY_US}
        rules = rules_or_defaults(await self._store.read(rules_of_tenant(tenant)))
        for stuck in await self._store.read(stuck_calls(tenant, rules, now_us), long=True):
            sids = [c.call_sid for c in stuck.calls if (tenant, c.call_sid) not in self._polled_us]
            if stuck.provider is None or stuck.provider not in FETCHERS or not sids:
                continue
            self._polled_us |= dict.fromkeys(((tenant, sid) for sid in sids[:_MAX_POLLED]), now_us)
            try:
                changed = await poll_provider(tenant, stuck.provider, sids[:_MAX_POLLED], now_us)
            except CalltallyError as fault:
                log.info("a provider cannot be polled", tenant=tenant, detail=fault.detail)
            else:
                log.info("a provider was polled", tenant=tenant, calls=len(sids), changed=changed)

    async def _evaluate_tenant(self, tenant: str) -> Sequence[EvaluationRun]:
        """Evaluate a tenant if an evaluation is due and no other worker has it.

        Wrong signatures make an evaluation due at once: with a wrong secret, five minutes lose many calls.
        """
        now_us = self._dependencies.clock()
        lease = Lease(tenant, ALERTS_LEASE, self._dependencies.holder)
        failing, is_due = await self._store.read(self._due(tenant, now_us))
        if not is_due:
            return ()
        if not await self._store.write(claim(lease, now_us=now_us, until_us=now_us + LEASE_US)):
            return ()
        run = await self._evaluator.evaluate(tenant, now_us, partial(self._conditions, tenant, now_us))
        log.debug("alerts evaluated", tenant=tenant, **run._asdict())
        await self._store.write(release(lease))
        if run.is_current and run.is_committed:
            self._reported_providers[tenant] = failing
        return (run,)

    def _due(self, tenant: str, now_us: int) -> StoreOperation[tuple[frozenset[str], bool]]:
        """Return the providers with wrong signatures, and True if an evaluation is due.

        A provider with an unresolved alert is not new, for example after a restart.
        """
        failing = yield from providers_with_signature_failures(tenant, now_us)
        reported = self._reported_providers.get(tenant, frozenset()) & failing
        if reported != failing:
            reported |= failing & (yield from _providers_with_alert(tenant))
        self._reported_providers[tenant] = reported
        return failing, reported != failing or (yield from is_evaluation_due(tenant, now_us))

    async def _conditions(self, tenant: str, now_us: int) -> Conditions:
        await self._poll_providers(tenant, now_us)
        return await self._store.read(current_conditions(tenant, now_us), long=True)


def _providers_with_alert(tenant: str) -> StoreOperation[frozenset[str]]:
    alerts = yield from unresolved_alerts(tenant)
    signature_alerts = [each for each in alerts if each.kind == AlertKind.SIGNATURE_FAILURES]
    return frozenset(each.provider for each in signature_alerts if each.provider is not None)
