"""Dispatcher of a process: it finds tenants with due events, leases them, and runs their deliveries."""

import asyncio
from collections import Counter
from typing import Final

from calltally.calls.errors import CalltallyError
from calltally.calls.times import SECOND_US
from calltally.deliveries.dependencies import DeliveryDependencies
from calltally.deliveries.tenant_dispatch import TenantDispatcher
from calltally.logs import errors_logged, get_logger
from calltally.store.db.leases import Lease, claim
from calltally.store.webhooks.dispatch import admin_tenants_to_deliver

LEASE: Final = "deliveries"
# Latency for commits of other processes; commits of this one wake the dispatcher.
_POLL_EVERY_S: Final = 0.2
_MIN_PAUSE_S: Final = 0.005
_LEASE_RETRY_S: Final = 1.0
_AFTER_FAULT_S: Final = 2.0

log: Final = get_logger(__name__)


class DeliveryDispatcher:
    """Dispatches deliveries until `stop` is set."""

    def __init__(self, dependencies: DeliveryDependencies, stop: asyncio.Event) -> None:
        self._dependencies = dependencies
        self._stop = stop
        self._woken = asyncio.Event()
        self._running: dict[str, tuple[TenantDispatcher, asyncio.Task[None]]] = {}
        # Time of the next claim of a tenant that another worker holds.
        self._retry_at_s: dict[str, float] = {}
        self._hosts: Counter[str] = Counter()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Poll for due events: at once after a commit here, otherwise five times a second."""
        unsubscribe = self._dependencies.store.subscribe_to_commits(self.wake)
        try:
            await self._poll()
        finally:
            unsubscribe()
            for dispatcher, _ in self._running.values():
                dispatcher.stop()
            await asyncio.gather(*[task for _, task in self._running.values()], return_exceptions=True)
            self._dependencies.outgoing.close()

    async def run_due(self) -> None:
        """Make the deliveries that are due now, and return once every tenant is idle."""
        try:
            await self._dispatch_once()
            await asyncio.gather(*[task for _, task in self._running.values()])
        finally:
            self._dependencies.outgoing.close()

    async def _poll(self) -> None:
        stop_waiter = asyncio.ensure_future(self._stop.wait())
        try:
            while not self._stop.is_set():
                self._woken.clear()
                pause_s = await self._dispatch_once()
                wake_waiter = asyncio.ensure_future(self._woken.wait())
                await asyncio.wait(
                    {stop_waiter, wake_waiter}, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED
                )
                wake_waiter.cancel()
                await asyncio.sleep(_MIN_PAUSE_S)
        finally:
            stop_waiter.cancel()

    async def _dispatch_once(self) -> float:
        """Start the tenants with due events; returns the pause before the next poll."""
        due = admin_tenants_to_deliver(self._dependencies.clock())
        with errors_logged(log.warning, "due deliveries cannot be read", CalltallyError):
            for tenant in await self._dependencies.store.read(due):
                await self._start_tenant(tenant)
            return _POLL_EVERY_S
        return _AFTER_FAULT_S

    async def _start_tenant(self, tenant: str) -> None:
        if tenant in self._running:
            self._running[tenant][0].wake()
            return
        now_s = asyncio.get_running_loop().time()
        if now_s < self._retry_at_s.get(tenant, 0.0):
            return
        now_us = self._dependencies.clock()
        until_us = now_us + self._dependencies.lease_us
        lease = Lease(tenant, LEASE, self._dependencies.holder)
        if not await self._dependencies.store.write(claim(lease, now_us=now_us, until_us=until_us)):
            self._retry_at_s[tenant] = now_s + _LEASE_RETRY_S
            return
        self._retry_at_s.pop(tenant, None)
        dispatcher = TenantDispatcher(self._dependencies, lease, until_us, self._hosts)
        task = asyncio.create_task(self._run_tenant(tenant, dispatcher))
        self._running[tenant] = (dispatcher, task)

    async def _run_tenant(self, tenant: str, dispatcher: TenantDispatcher) -> None:
        try:
            await dispatcher.run()
        except Exception:
            # The lease expires and the tenant is started again: its failure must not stop the others.
            log.exception("deliveries of a tenant failed", tenant=tenant)
            self._retry_at_s[tenant] = (
                asyncio.get_running_loop().time() + self._dependencies.lease_us / SECOND_US
            )
        finally:
            self._running.pop(tenant, None)
