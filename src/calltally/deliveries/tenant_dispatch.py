"""All deliveries of one tenant, for as long as this process has the tenant's lease.

One loop: note what came of attempts and take in what is new, as one transaction; begin what is ready; wait
for either. So the database is asked in batches that fill by themselves, and requests never wait for one
another but where their endpoint, their host or their call's order says so.
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
from calltally.store.webhooks.dispatch import NEVER_US, Told, Turn, rest_until, take_turn

# Two turns are no closer than this: more would come of it for nobody, and others write as well.
_BETWEEN_S: Final = 0.01
_IDLE_S: Final = 2.0
_RENEWED_EVERY_S: Final = 0.5
_AFTER_FAULT_S: Final = 1.0

log: Final = get_logger(__name__)


class TenantDispatcher:
    """Runs until there is nothing to do for a while, another process has the lease, or `stop` is called."""

    def __init__(
        self, means: DeliveryDependencies, lease: Lease, until_us: int, hosts: "Counter[str]"
    ) -> None:
        self._means = means
        self._lease = lease
        self._woken = asyncio.Event()
        self._requests = TenantRequests(means, lease.tenant, hosts, self._woken.set)
        self._is_fresh = True
        self._is_stopping = False
        self._revision = self._erasures = 0
        self._turned_s = 0.0
        self._may_send_until(until_us)

    def nudge(self) -> None:
        """There may be something new."""
        self._is_fresh = True
        self._woken.set()

    def stop(self) -> None:
        """Begin nothing more, note what is under way, and end."""
        self._is_stopping = True
        self._requests.until_s = 0.0
        self._woken.set()

    async def run(self) -> None:
        """All of it. A database that does not answer is asked again."""
        idle_since_s = _now_s()
        while not self._is_stopping:
            self._woken.clear()
            if self._wants_turn():
                idle_since_s = _now_s()
                if not await self._attempt_turn():
                    log.warning("deliveries were taken over", tenant=self._lease.tenant)
                    self._requests.break_off()
                    return
            self._requests.begin()
            is_idle = not (self._is_fresh or self._requests.has_work)
            if is_idle and _now_s() - idle_since_s >= _IDLE_S and await self._rests():
                break
            await self._wait()
        await self._end()

    def _wants_turn(self) -> bool:
        if self._is_fresh or self._requests.has_news:
            return True
        if self._requests.are_under_way and _now_s() - self._turned_s >= _RENEWED_EVERY_S:
            return True
        return any(self._has_more(lane) for lane in self._requests.lanes.values())

    def _has_more(self, lane: EndpointQueue) -> bool:
        """Whether more of an endpoint's may be taken in hand, and is there."""
        is_there = lane.due_us <= self._means.clock() or lane.endpoint.taken < self._revision
        return is_there and lane.room(_now_s()) > 0

    async def _attempt_turn(self) -> bool:
        """A turn; False where somebody else has the lease. What was to be noted is kept where it fails."""
        try:
            return await self._turn()
        except CalltallyError as fault:
            log.warning("deliveries wait for the database", tenant=self._lease.tenant, detail=str(fault))
            self._is_fresh = True
            await asyncio.sleep(_AFTER_FAULT_S)
            return True

    async def _turn(self) -> bool:
        await asyncio.sleep(max(0.0, self._turned_s + _BETWEEN_S - _now_s()))
        self._is_fresh = False
        requests, now_s, now_us = self._requests, _now_s(), self._means.clock()
        results, pauses, health = requests.results[:], dict(requests.pauses), dict(requests.health)
        lanes = requests.lanes.items()
        turn = Turn(
            results=results,
            pauses=list(pauses.values()),
            health=list(health.values()),
            room={endpoint: lane.room(now_s) for endpoint, lane in lanes},
            held={endpoint: lane.held for endpoint, lane in lanes},
            has_due=frozenset(endpoint for endpoint, lane in lanes if lane.due_us <= now_us),
        )
        until_us = now_us + self._means.lease_us
        step = take_turn(self._lease, turn, now_us=now_us, until_us=until_us)
        told: Told | None = await self._means.store.write(step)
        if told is None:
            return False
        self._may_send_until(until_us)
        self._turned_s = _now_s()
        requests.set_endpoints(told.endpoints)
        requests.noted(results, pauses, health)
        self._take_in_hand(told)
        return True

    def _take_in_hand(self, told: Told) -> None:
        lanes = self._requests.lanes
        self._revision = told.revision
        self._is_fresh = self._is_fresh or told.is_behind
        if told.erasures != self._erasures:
            # What was erased must not go out from here either.
            self._erasures = told.erasures
            for lane in lanes.values():
                lane.let_go()
            self._is_fresh = True
            return
        for endpoint, due_us in told.due_us.items():
            if endpoint in lanes:
                lanes[endpoint].due_us = due_us
        for job in told.jobs:
            if job.endpoint in lanes:
                lanes[job.endpoint].add(job)

    def _may_send_until(self, until_us: int) -> None:
        """A request that is begun must end before the lease does."""
        lease_s = (until_us - self._means.clock()) / SECOND_US
        self._requests.until_s = (
            0.0 if self._is_stopping else _now_s() + lease_s - self._means.timeout_s - MARGIN_S
        )

    async def _rests(self) -> bool:
        """Leave the tenant until something is due; False where something came meanwhile."""
        due_us = min(map(self._looked_at_us, self._requests.lanes.values()), default=NEVER_US)
        try:
            has_rest: bool = await self._means.store.write(rest_until(self._lease.tenant, due_us))
        except CalltallyError as fault:
            log.warning("deliveries wait for the database", tenant=self._lease.tenant, detail=str(fault))
            return False
        self._is_fresh = self._is_fresh or not has_rest
        return has_rest

    def _looked_at_us(self, lane: EndpointQueue) -> int:
        """When an endpoint is to be looked at again: not before it wants to be sent anything."""
        rested_us = self._means.clock() + int(lane.resting_s(_now_s()) * SECOND_US)
        is_behind = lane.endpoint.taken < self._revision
        return rested_us if is_behind else max(lane.due_us, rested_us)

    async def _wait(self) -> None:
        """Until something happens, or may."""
        longest_s = _RENEWED_EVERY_S if self._requests.are_under_way else _IDLE_S / 2
        for lane in self._requests.lanes.values():
            rest_s = lane.resting_s(_now_s())
            if (lane.ready or lane.endpoint.taken < self._revision) and rest_s > 0:
                longest_s = min(longest_s, rest_s)
            if lane.due_us < NEVER_US and lane.room(_now_s()) > 0:
                longest_s = min(longest_s, max(0.0, (lane.due_us - self._means.clock()) / SECOND_US))
        try:
            async with asyncio.timeout(longest_s):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _end(self) -> None:
        await self._requests.end()
        if self._requests.has_news and not await self._attempt_turn():
            return
        try:
            await self._means.store.write(release(self._lease))
        except CalltallyError as fault:
            log.warning("a lease runs out by itself", tenant=self._lease.tenant, detail=str(fault))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
