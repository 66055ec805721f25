"""Deliveries of one tenant, while this process holds the tenant's lease.

One loop: synchronise with the database in one transaction (record outcomes, claim new jobs), start requests,
and wait for either. So the database gets batches that grow with the load. A request waits for another one
only because of its endpoint, its host or the order of its call.
"""

import asyncio
from collections import Counter
from typing import Final

from calltally.calls.errors import CalltallyError
from calltally.calls.times import SECOND_US
from calltally.deliveries.concurrency import EndpointQueue
from calltally.deliveries.dependencies import MARGIN_S, DeliveryDependencies
from calltally.deliveries.requests import TenantRequests
from calltally.logs import get_logger
from calltally.store.db.leases import Lease, release
from calltally.store.webhooks.dispatch import (
    NEVER_US,
    DispatchInput,
    DispatchPlan,
    dispatch,
    postpone_dispatch,
)

# Minimum time between two synchronisations: more would gain nothing, and others write as well.
_MIN_PAUSE_S: Final = 0.01
_IDLE_S: Final = 2.0
_RENEW_EVERY_S: Final = 0.5
_AFTER_FAULT_S: Final = 1.0

log: Final = get_logger(__name__)


class TenantDispatcher:
    """Runs until the tenant is idle for a while, another process has the lease, or `stop` is called."""

    def __init__(
        self, dependencies: DeliveryDependencies, lease: Lease, until_us: int, hosts: "Counter[str]"
    ) -> None:
        self._dependencies = dependencies
        self._lease = lease
        self._woken = asyncio.Event()
        self._requests = TenantRequests(dependencies, lease.tenant, hosts, self._woken.set)
        self._may_have_new = True
        self._is_stopping = False
        self._revision = self._erasures = 0
        self._synced_s = 0.0
        self._may_send_until(until_us)

    def wake(self) -> None:
        self._may_have_new = True
        self._woken.set()

    def stop(self) -> None:
        """Start no more requests, record the running ones, and end."""
        self._is_stopping = True
        self._requests.until_s = 0.0
        self._woken.set()

    async def run(self) -> None:
        """Run the loop. It retries if the database does not respond."""
        idle_since_s = _now_s()
        while not self._is_stopping:
            self._woken.clear()
            if self._needs_sync():
                idle_since_s = _now_s()
                if not await self._sync_safely():
                    log.warning("another worker took over the deliveries", tenant=self._lease.tenant)
                    self._requests.cancel()
                    return
            self._requests.start()
            is_idle = not (self._may_have_new or self._requests.has_work)
            if is_idle and _now_s() - idle_since_s >= _IDLE_S and await self._suspend():
                break
            await self._wait()
        await self._finish()

    def _needs_sync(self) -> bool:
        if self._may_have_new or self._requests.has_unrecorded:
            return True
        if self._requests.has_running and _now_s() - self._synced_s >= _RENEW_EVERY_S:
            return True
        return any(self._has_more(queue) for queue in self._requests.queues.values())

    def _has_more(self, queue: EndpointQueue) -> bool:
        """Return True if the endpoint has due jobs and capacity for them."""
        is_there = (
            queue.due_us <= self._dependencies.clock() or queue.endpoint.enqueued_revision < self._revision
        )
        return is_there and queue.capacity(_now_s()) > 0

    async def _sync_safely(self) -> bool:
        """Synchronise; False if another worker has the lease. After an error, outcomes are kept."""
        try:
            return await self._sync()
        except CalltallyError as fault:
            log.warning("deliveries wait for the database", tenant=self._lease.tenant, detail=str(fault))
            self._may_have_new = True
            await asyncio.sleep(_AFTER_FAULT_S)
            return True

    async def _sync(self) -> bool:
        await asyncio.sleep(max(0.0, self._synced_s + _MIN_PAUSE_S - _now_s()))
        self._may_have_new = False
        requests, now_s, now_us = self._requests, _now_s(), self._dependencies.clock()
        results, pauses, health = requests.results[:], dict(requests.pauses), dict(requests.health)
        queues = requests.queues.items()
        update = DispatchInput(
            results=results,
            pauses=list(pauses.values()),
            health=list(health.values()),
            room={endpoint: queue.capacity(now_s) for endpoint, queue in queues},
            held={endpoint: queue.claimed for endpoint, queue in queues},
            has_due=frozenset(endpoint for endpoint, queue in queues if queue.due_us <= now_us),
        )
        until_us = now_us + self._dependencies.lease_us
        operation = dispatch(self._lease, update, now_us=now_us, until_us=until_us)
        batch: DispatchPlan | None = await self._dependencies.store.write(operation)
        if batch is None:
            return False
        self._may_send_until(until_us)
        self._synced_s = _now_s()
        requests.set_endpoints(batch.endpoints)
        requests.recorded(results, pauses, health)
        self._claim_jobs(batch)
        return True

    def _claim_jobs(self, batch: DispatchPlan) -> None:
        queues = self._requests.queues
        self._revision = batch.revision
        self._may_have_new = self._may_have_new or batch.is_behind
        if batch.erasures != self._erasures:
            # Events of erased calls must not be sent.
            self._erasures = batch.erasures
            for queue in queues.values():
                queue.release()
            self._may_have_new = True
            return
        for endpoint, due_us in batch.due_us.items():
            if endpoint in queues:
                queues[endpoint].due_us = due_us
        for job in batch.jobs:
            if job.endpoint in queues:
                queues[job.endpoint].add(job)

    def _may_send_until(self, until_us: int) -> None:
        """Set the time until which requests may start, so that they end before the lease does."""
        lease_s = (until_us - self._dependencies.clock()) / SECOND_US
        self._requests.until_s = (
            0.0 if self._is_stopping else _now_s() + lease_s - self._dependencies.timeout_s - MARGIN_S
        )

    async def _suspend(self) -> bool:
        """Leave the tenant until a job is due; False if new events arrived meanwhile."""
        due_us = min(map(self._next_check_us, self._requests.queues.values()), default=NEVER_US)
        try:
            is_suspended: bool = await self._dependencies.store.write(
                postpone_dispatch(self._lease.tenant, due_us)
            )
        except CalltallyError as fault:
            log.warning("deliveries wait for the database", tenant=self._lease.tenant, detail=str(fault))
            return False
        self._may_have_new = self._may_have_new or not is_suspended
        return is_suspended

    def _next_check_us(self, queue: EndpointQueue) -> int:
        """Return the time of the next check of an endpoint, not before the end of its back-off."""
        backoff_end_us = self._dependencies.clock() + int(queue.backoff_s_left(_now_s()) * SECOND_US)
        is_behind = queue.endpoint.enqueued_revision < self._revision
        return backoff_end_us if is_behind else max(queue.due_us, backoff_end_us)

    async def _wait(self) -> None:
        """Wait for a wake-up, a due job or the end of a back-off."""
        timeout_s = _RENEW_EVERY_S if self._requests.has_running else _IDLE_S / 2
        for queue in self._requests.queues.values():
            backoff_s = queue.backoff_s_left(_now_s())
            if (queue.ready or queue.endpoint.enqueued_revision < self._revision) and backoff_s > 0:
                timeout_s = min(timeout_s, backoff_s)
            if queue.due_us < NEVER_US and queue.capacity(_now_s()) > 0:
                timeout_s = min(timeout_s, max(0.0, (queue.due_us - self._dependencies.clock()) / SECOND_US))
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _finish(self) -> None:
        await self._requests.finish()
        if self._requests.has_unrecorded and not await self._sync_safely():
            return
        try:
            await self._dependencies.store.write(release(self._lease))
        except CalltallyError as fault:
            log.warning(
                "a lease was not released and will expire", tenant=self._lease.tenant, detail=str(fault)
            )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
