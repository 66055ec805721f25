"""Alerts in the background: turns of judging, tenant by tenant, and telling sinks what came of them."""

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
from calltally.logs import get_logger
from calltally.reconcile.open_call_poll import can_ask
from calltally.store.alerts.alerts import unresolved_alerts
from calltally.store.alerts.detector_state import rules_of_tenant
from calltally.store.db.leases import Lease, claim, release
from calltally.store.db.operation import Step
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.worker.dependencies import AlertDependencies, WorkerDependencies
from calltally.worker.throttle import wait_for_stop

ALERTS_LEASE: Final = "alerts"
LEASE_US: Final = 60 * SECOND_US
# How soon what happened is judged once its five minutes are over, and what is judged is told.
_LOOKS_EVERY_S: Final = 10.0
_ASKED_EVERY_US: Final = 3_600 * SECOND_US
_MOST_ASKED: Final = 50

log: Final = get_logger(__name__)


class AlertWorker:
    """Judges and tells until `stop` is set."""

    def __init__(self, means: WorkerDependencies, alerts: AlertDependencies, stop: asyncio.Event) -> None:
        self._means = means
        self._store = means.store
        self._judge = alerts.judge
        self._teller = alerts.teller
        self._ask = alerts.ask
        self._asked: dict[tuple[str, str], int] = {}
        # Whose callbacks were turned away when a tenant was last judged.
        self._refused: dict[str, frozenset[str]] = {}
        self._stop = stop

    async def run(self) -> None:
        """Look after look; at once where somebody's past waits to be learned, which is paced by itself."""
        is_behind = False
        while not await wait_for_stop(
            self._stop, 0 if is_behind else _LOOKS_EVERY_S * (0.5 + self._means.chance())
        ):
            is_behind = any(not turn.is_current for turn in await self.look())

    async def look(self) -> Sequence[EvaluationRun]:
        """Take a turn for each tenant that has one due; returns them. Faults are logged.

        One each, so that nobody's present waits for another's past.
        """
        turns: list[EvaluationRun] = []
        for tenant in await self._tenants():
            turns += await self._attempt(tenant)
            if self._stop.is_set():
                break
        return turns

    async def _tenants(self) -> Sequence[str]:
        try:
            return [tenant.tenant for tenant in await self._store.read(admin_list_tenants())]
        except Exception as fault:
            unforeseen = None if isinstance(fault, CalltallyError) else fault
            log.warning("alerts wait", detail=str(fault), exc_info=unforeseen)
            return ()

    async def _attempt(self, tenant: str) -> Sequence[EvaluationRun]:
        """One tenant's fault must not keep others waiting. The lease of what failed runs out by itself."""
        try:
            turns = await self._judge_tenant(tenant)
            await self._teller.tell_due(tenant, self._means.holder)
        except Exception as fault:
            foreseen = isinstance(fault, CalltallyError)
            log.exception("alerts failed", tenant=tenant, detail=str(fault), exc_info=not foreseen)
            return ()
        return turns

    async def _ask_providers(self, tenant: str, now_us: int) -> None:
        """Before a call is called stuck its provider is asked, once an hour at most; its word is recorded."""
        ask = self._ask
        if ask is None:
            return
        self._asked = {key: us for key, us in self._asked.items() if now_us - us < _ASKED_EVERY_US}
        rules = rules_or_defaults(await self._store.read(rules_of_tenant(tenant)))
        for stuck in await self._store.read(stuck_calls(tenant, rules, now_us), long=True):
            sids = [c.call_sid for c in stuck.calls if (tenant, c.call_sid) not in self._asked]
            if stuck.provider is None or not can_ask(stuck.provider) or not sids:
                continue
            self._asked |= dict.fromkeys(((tenant, sid) for sid in sids[:_MOST_ASKED]), now_us)
            try:
                changed = await ask(tenant, stuck.provider, sids[:_MOST_ASKED], now_us)
            except CalltallyError as fault:
                log.info("a provider cannot be asked", tenant=tenant, detail=fault.detail)
            else:
                log.info("a provider was asked", tenant=tenant, calls=len(sids), changed=changed)

    async def _judge_tenant(self, tenant: str) -> Sequence[EvaluationRun]:
        """A turn, where one is due and nobody else takes it.

        A provider many of whose callbacks are turned away is news at once: at a launch with a wrong secret
        five minutes are many calls.
        """
        now_us = self._means.clock()
        lease = Lease(tenant, ALERTS_LEASE, self._means.holder)
        refused, is_due = await self._store.read(self._due(tenant, now_us))
        if not is_due:
            return ()
        if not await self._store.write(claim(lease, now_us=now_us, until_us=now_us + LEASE_US)):
            return ()
        turn = await self._judge.evaluate(tenant, now_us, partial(self._conditions, tenant, now_us))
        log.debug("judged", tenant=tenant, **turn._asdict())
        await self._store.write(release(lease))
        if turn.is_current and turn.is_committed:
            self._refused[tenant] = refused
        return (turn,)

    def _due(self, tenant: str, now_us: int) -> Step[tuple[frozenset[str], bool]]:
        """Whose callbacks are turned away; and whether that is news, or five minutes wait to be judged.

        It is none where there is an alert of it, as when this process was begun a moment ago.
        """
        refused = yield from providers_with_signature_failures(tenant, now_us)
        known = self._refused.get(tenant, frozenset()) & refused
        if known != refused:
            known |= refused & (yield from _alerted(tenant))
        self._refused[tenant] = known
        return refused, known != refused or (yield from is_evaluation_due(tenant, now_us))

    async def _conditions(self, tenant: str, now_us: int) -> Conditions:
        await self._ask_providers(tenant, now_us)
        return await self._store.read(current_conditions(tenant, now_us), long=True)


def _alerted(tenant: str) -> Step[frozenset[str]]:
    """Providers of whose wrong signatures there is an alert."""
    alerts = yield from unresolved_alerts(tenant)
    of_them = [each for each in alerts if each.kind == AlertKind.SIGNATURE_FAILURES]
    return frozenset(each.provider for each in of_them if each.provider is not None)
