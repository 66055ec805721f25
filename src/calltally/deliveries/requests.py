"""The requests of one tenant's deliveries: which are begun, and what comes of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from calltally.calls.errors import CalltallyError
from calltally.calls.event_types import DELIVERY_FAILED
from calltally.calls.identity import uuid_text
from calltally.calls.masking import mask_json
from calltally.calls.times import DAY_US, SECOND_US, utc_text
from calltally.deliveries.attempt_outcome import (
    AttemptOutcome,
    DeliveryAttempt,
    decide_outcome,
    event_age_s,
    expired_result,
)
from calltally.deliveries.concurrency import EndpointQueue
from calltally.deliveries.dependencies import DeliveryDependencies
from calltally.deliveries.payload_formats import CONTENT_TYPES, body_in_form
from calltally.logs import get_logger
from calltally.net.http_client import RequestFailure, RequestOutcome
from calltally.net.standard_webhooks import signature_headers
from calltally.store.db.fact_codec import bodies
from calltally.store.ledger.outbox import Instant, event_time, freeze, message_id
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.deliveries import DEAD, WAITING, Notice
from calltally.store.webhooks.dispatch import NEVER_US, Health, Job, Pause, Result
from calltally.store.webhooks.endpoints import Endpoint, Wanted

# After so long without a success an endpoint is paused.
PAUSED_AFTER_US: Final = 5 * DAY_US
MAX_PER_HOST: Final = 64
_UNSIGNED_FOR_S: Final = 60.0
_ENDS_WITHIN_S: Final = 2.0
_ID_BYTES: Final = 10

log: Final = get_logger(__name__)


class TenantRequests:
    """Lanes, what is under way in them, and what has come of it and is not noted yet.

    `hosts` counts what is under way to each host, of all tenants; `told` is called when something came.
    """

    def __init__(
        self, means: DeliveryDependencies, tenant: str, hosts: "Counter[str]", told: Callable[[], None]
    ) -> None:
        self._means = means
        self._tenant = tenant
        self._hosts = hosts
        self._told = told
        self.lanes: dict[bytes, EndpointQueue] = {}
        self.results: list[Result] = []
        self.pauses: dict[bytes, Pause] = {}
        self.health: dict[bytes, Health] = {}
        # Until when requests may be begun, by the loop's clock.
        self.until_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._vault: Vault | None = None

    @property
    def are_under_way(self) -> bool:
        """Whether any is."""
        return bool(self._tasks)

    @property
    def has_news(self) -> bool:
        """Whether anything is to be noted."""
        return bool(self.results or self.pauses or self.health)

    @property
    def has_work(self) -> bool:
        """Whether anything is in hand."""
        return self.has_news or self.are_under_way or any(lane.held for lane in self.lanes.values())

    def set_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        """A lane for each endpoint that is active, as it is set now."""
        known, self.lanes = self.lanes, {}
        for each in endpoints:
            if each.is_active:
                host = urlsplit(each.wanted.url).hostname or ""
                has_lane = each.endpoint in known
                lane = known.pop(each.endpoint) if has_lane else EndpointQueue(each, host)
                self.lanes[each.endpoint] = lane
                lane.endpoint, lane.host = each, host
        for endpoint, lane in known.items():
            lane.let_go(NEVER_US)
            # What is under way there must not be begun a second time, should it be resumed at once.
            if lane.held:
                self.lanes[endpoint] = lane

    def noted(
        self, results: Sequence[Result], pauses: Mapping[bytes, Pause], health: Mapping[bytes, Health]
    ) -> None:
        """All this is in the database now."""
        del self.results[: len(results)]
        self.pauses = {each: pause for each, pause in self.pauses.items() if pause is not pauses.get(each)}
        self.health = {each: said for each, said in self.health.items() if said is not health.get(each)}
        for result in results:
            lane = self.lanes.get(result.job.endpoint)
            if lane is not None:
                lane.noted(result.job.event_id)
                if result.state == WAITING:
                    lane.due_us = min(lane.due_us, result.due_us)

    def begin(self) -> None:
        """Begin what may be begun, a request of each endpoint in turn."""
        lanes = [lane for lane in self.lanes.values() if lane.ready]
        while lanes and _now_s() < self.until_s:
            lanes = [lane for lane in lanes if self._begin_one(lane)]

    async def end(self) -> None:
        """Wait a little for what is under way, then break it off."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_ENDS_WITHIN_S)
        self.break_off()

    def break_off(self) -> None:
        """End what is under way; whoever has the tenant next does it again."""
        self.until_s = 0.0
        for task in list(self._tasks):
            task.cancel()

    def _begin_one(self, lane: EndpointQueue) -> bool:
        if self._hosts[lane.host] >= MAX_PER_HOST:
            return False
        job = lane.next(_now_s())
        if job is None:
            return False
        task = asyncio.create_task(self._make(lane, job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _make(self, lane: EndpointQueue, job: Job) -> None:
        host = lane.host
        self._hosts[host] += 1
        try:
            if job.body is None:
                lane.in_flight -= 1
                self.results.append(expired_result(job, self._means.clock()))
            else:
                self._judged(lane, await self._attempt(lane, job, job.body))
        except (CalltallyError, OSError) as fault:
            # A secret that does not open or a key file that cannot be read is no fault of the receiver:
            # its deliveries wait.
            log.warning("a delivery cannot be signed", tenant=self._tenant, detail=str(fault))
            lane.cannot_send(job.event_id, _now_s() + _UNSIGNED_FOR_S)
        finally:
            self._hosts[host] -= 1
        self.begin()
        self._told()

    async def _attempt(self, lane: EndpointQueue, job: Job, frozen: bytes) -> AttemptOutcome:
        at_us, began_s = self._means.clock(), _now_s()
        secrets = lane.endpoint.secrets(self._opened(), self._tenant, at_us)
        try:
            body = body_in_form(lane.endpoint.wanted.form, _seen(lane.endpoint, bodies.decompress(frozen)))
            signature = signature_headers(message_id(job.event_id), at_us // SECOND_US, body, secrets)
            outcome = await self._post(lane.endpoint.wanted, signature, body)
        except Exception as fault:
            # Shown as an attempt that failed, and tried again like one: it must hold up no other event.
            named = {"endpoint": uuid_text(lane.endpoint.endpoint), "message": message_id(job.event_id)}
            log.exception("a delivery failed by a fault of ours", tenant=self._tenant, **named)
            outcome = RequestFailure("internal", f"a fault of ours, told in our log: {type(fault).__name__}")
        took_us = int((_now_s() - began_s) * SECOND_US)
        return decide_outcome(job, DeliveryAttempt(at_us, took_us, outcome), self._means.chance())

    async def _post(self, wanted: Wanted, signature: Mapping[str, str], body: bytes) -> RequestOutcome:
        headers = {
            "content-type": CONTENT_TYPES[wanted.form],
            "user-agent": self._means.user_agent,
            **signature,
        }
        return await self._means.outgoing.post(wanted.url, headers, body)

    def _opened(self) -> Vault:
        if self._vault is None:
            self._vault = self._means.vault()
        return self._vault

    def _judged(self, lane: EndpointQueue, verdict: AttemptOutcome) -> None:
        job, result = verdict.result.job, verdict.result
        outcome = "delivered" if verdict.is_delivered else "dead" if result.state == DEAD else "failed"
        first_s = event_age_s(job, result.at_us) if job.attempts == 0 else None
        self._means.tally.delivery_attempted(outcome, took_s=result.took_us / SECOND_US, age_s=first_s)
        self.results.append(result)
        if verdict.is_delivered:
            lane.delivered()
            self._set_failing(lane, None)
        else:
            lane.failed(_now_s(), verdict.hold_s, self._means.chance())
            self._failed(lane, verdict)

    def _failed(self, lane: EndpointQueue, verdict: AttemptOutcome) -> None:
        at_us = verdict.result.at_us
        if lane.failing_since_us is None:
            self._set_failing(lane, at_us)
        has_lasted = at_us - (lane.failing_since_us or at_us) >= PAUSED_AFTER_US
        if verdict.is_gone or has_lasted:
            why = "it answered 410: it wants no more" if verdict.is_gone else "it failed for days"
            endpoint = lane.endpoint.endpoint
            self.pauses.setdefault(endpoint, Pause(endpoint, why, self._notice(lane, verdict, why)))

    def _set_failing(self, lane: EndpointQueue, since_us: int | None) -> None:
        if lane.failing_since_us != since_us:
            lane.failing_since_us = since_us
            self.health[lane.endpoint.endpoint] = Health(lane.endpoint.endpoint, since_us)

    def _notice(self, lane: EndpointQueue, verdict: AttemptOutcome, why: str) -> Notice:
        """What the tenant's other endpoints are told. The URL may hold a secret: its host is enough."""
        endpoint, now_us = lane.endpoint.endpoint, self._means.clock()
        event_id = event_time(now_us) + sha256(endpoint + now_us.to_bytes(8, "big")).digest()[:_ID_BYTES]
        data = {
            "endpoint_id": uuid_text(endpoint),
            "host": lane.host,
            "reason": why,
            "last_attempt": verdict.result.reason,
            "failing_since": utc_text(lane.failing_since_us or now_us),
        }
        at = Instant(self._tenant, "", verdict.result.job.revision, now_us)
        return Notice(DELIVERY_FAILED, event_id, freeze(DELIVERY_FAILED, event_id, at, data))


def _seen(endpoint: Endpoint, envelope: bytes) -> bytes:
    """The event as whoever set the endpoint may see it."""
    return mask_json(envelope) if endpoint.is_masked else envelope


def _now_s() -> float:
    return asyncio.get_running_loop().time()
