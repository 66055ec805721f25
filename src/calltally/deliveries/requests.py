"""Requests of one tenant's deliveries: their start, their outcomes, and the paused endpoints."""

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
from calltally.calls.payload_formats import CONTENT_TYPES, body_in_form
from calltally.calls.times import DAY_US, SECOND_US, utc_text
from calltally.deliveries.attempt_outcome import (
    AttemptOutcome,
    decide_outcome,
    event_age_s,
    expired_result,
)
from calltally.deliveries.concurrency import EndpointQueue
from calltally.deliveries.dependencies import DeliveryDependencies
from calltally.logs import get_logger
from calltally.net.http_client import RequestFailure, RequestOutcome
from calltally.net.standard_webhooks import signature_headers
from calltally.store.db.fact_codec import body_codec
from calltally.store.ledger.outbox import CommitInstant, encode_envelope, event_time, message_id
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.deliveries import DEAD, WAITING, EndpointNotice
from calltally.store.webhooks.dispatch import (
    NEVER_US,
    AttemptResult,
    DeliveryJob,
    EndpointHealth,
    EndpointPause,
)
from calltally.store.webhooks.endpoints import Endpoint
from calltally.tracing import delivery_span

# An endpoint is paused after this long without a success.
PAUSED_AFTER_US: Final = 5 * DAY_US
MAX_PER_HOST: Final = 64
_SEAL_RETRY_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 2.0
_ID_BYTES: Final = 10

log: Final = get_logger(__name__)


class TenantRequests:
    """Endpoint queues of a tenant, their running requests, and the outcomes that are not recorded yet.

    `hosts` counts the running requests to each host, of all tenants; `on_result` is called after a request.
    """

    def __init__(
        self,
        dependencies: DeliveryDependencies,
        tenant: str,
        hosts: "Counter[str]",
        on_result: Callable[[], None],
    ) -> None:
        self._dependencies = dependencies
        self._tenant = tenant
        self._hosts = hosts
        self._on_result = on_result
        self.queues: dict[bytes, EndpointQueue] = {}
        self.results: list[AttemptResult] = []
        self.pauses: dict[bytes, EndpointPause] = {}
        self.health: dict[bytes, EndpointHealth] = {}
        # Time until which requests may start, by the loop's clock.
        self.until_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._vault: Vault | None = None

    @property
    def has_running(self) -> bool:
        return bool(self._tasks)

    @property
    def has_unrecorded(self) -> bool:
        return bool(self.results or self.pauses or self.health)

    @property
    def has_work(self) -> bool:
        return self.has_unrecorded or self.has_running or any(queue.claimed for queue in self.queues.values())

    def set_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        """Keep one queue for each active endpoint, with its current settings."""
        old_queues, self.queues = self.queues, {}
        for each in endpoints:
            if each.is_active:
                host = urlsplit(each.settings.url).hostname or ""
                has_queue = each.endpoint in old_queues
                queue = old_queues.pop(each.endpoint) if has_queue else EndpointQueue(each, host)
                self.queues[each.endpoint] = queue
                queue.endpoint, queue.host = each, host
        for endpoint, queue in old_queues.items():
            queue.release(NEVER_US)
            # Its running requests must not be sent twice if the endpoint is resumed at once.
            if queue.claimed:
                self.queues[endpoint] = queue

    def recorded(
        self,
        results: Sequence[AttemptResult],
        pauses: Mapping[bytes, EndpointPause],
        health: Mapping[bytes, EndpointHealth],
    ) -> None:
        """Forget outcomes that are in the database now."""
        del self.results[: len(results)]
        self.pauses = {each: pause for each, pause in self.pauses.items() if pause is not pauses.get(each)}
        self.health = {each: change for each, change in self.health.items() if change is not health.get(each)}
        for result in results:
            queue = self.queues.get(result.job.endpoint)
            if queue is not None:
                queue.recorded(result.job.event_id)
                if result.state == WAITING:
                    queue.due_us = min(queue.due_us, result.due_us)

    def start(self) -> None:
        """Start the requests that may start, one per endpoint in rotation."""
        queues = [queue for queue in self.queues.values() if queue.ready]
        while queues and _now_s() < self.until_s:
            queues = [queue for queue in queues if self._start_one(queue)]

    async def finish(self) -> None:
        """Wait briefly for the running requests, then cancel them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_TIMEOUT_S)
        self.cancel()

    def cancel(self) -> None:
        """Cancel the running requests; the next holder of the lease repeats them."""
        self.until_s = 0.0
        for task in list(self._tasks):
            task.cancel()

    def _start_one(self, queue: EndpointQueue) -> bool:
        if self._hosts[queue.host] >= MAX_PER_HOST:
            return False
        job = queue.take_next(_now_s())
        if job is None:
            return False
        task = asyncio.create_task(self._deliver(queue, job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _deliver(self, queue: EndpointQueue, job: DeliveryJob) -> None:
        host = queue.host
        self._hosts[host] += 1
        try:
            if job.body is None:
                queue.in_flight -= 1
                self.results.append(expired_result(job, self._dependencies.clock()))
            else:
                ids = {"calltally.tenant": self._tenant, "calltally.message_id": message_id(job.event_id)}
                with delivery_span(f"deliver {job.event}", ids, (self._tenant, job.revision)):
                    attempt = await self._attempt(queue, job, job.body)
                self._record_outcome(queue, attempt)
        except (CalltallyError, OSError) as fault:
            # A secret or key file that cannot be read is not the receiver's fault: its deliveries wait.
            log.warning("a delivery cannot be signed", tenant=self._tenant, detail=str(fault))
            queue.postpone(job.event_id, _now_s() + _SEAL_RETRY_S)
        finally:
            self._hosts[host] -= 1
        self.start()
        self._on_result()

    async def _attempt(self, queue: EndpointQueue, job: DeliveryJob, frozen: bytes) -> AttemptOutcome:
        at_us, started_s = self._dependencies.clock(), _now_s()
        secrets = queue.endpoint.secrets(self._open_vault(), self._tenant, at_us)
        outcome: RequestOutcome
        try:
            envelope = body_codec.decompress(frozen)
            visible = mask_json(envelope) if queue.endpoint.is_masked else envelope
            settings = queue.endpoint.settings
            body = body_in_form(settings.form, visible, self._dependencies.public_url)
            headers = {
                "content-type": CONTENT_TYPES[settings.form],
                "user-agent": self._dependencies.user_agent,
                **signature_headers(message_id(job.event_id), at_us // SECOND_US, body, secrets),
            }
            outcome = await self._dependencies.outgoing.post(settings.url, headers, body)
        except Exception as fault:
            # An internal error counts as a failed attempt and is retried, so that it blocks no other event.
            ids = {"endpoint": uuid_text(queue.endpoint.endpoint), "message": message_id(job.event_id)}
            log.exception("a delivery failed with an internal error", tenant=self._tenant, **ids)
            outcome = RequestFailure(
                "internal", f"internal error ({type(fault).__name__}); see the service's log"
            )
        took_us = int((_now_s() - started_s) * SECOND_US)
        return decide_outcome(job, outcome, at_us, took_us, self._dependencies.chance())

    def _open_vault(self) -> Vault:
        if self._vault is None:
            self._vault = self._dependencies.vault()
        return self._vault

    def _record_outcome(self, queue: EndpointQueue, attempt: AttemptOutcome) -> None:
        job, result = attempt.result.job, attempt.result
        label = "delivered" if attempt.is_delivered else "dead" if result.state == DEAD else "failed"
        first_s = event_age_s(job, result.at_us) if job.attempts == 0 else None
        self._dependencies.tally.delivery_attempted(label, took_s=result.took_us / SECOND_US, age_s=first_s)
        self.results.append(result)
        if attempt.is_delivered:
            queue.delivered()
            self._set_failing(queue, None)
        else:
            queue.failed(_now_s(), attempt.hold_s, self._dependencies.chance())
            self._failed(queue, attempt)

    def _failed(self, queue: EndpointQueue, attempt: AttemptOutcome) -> None:
        at_us = attempt.result.at_us
        if queue.failing_since_us is None:
            self._set_failing(queue, at_us)
        has_lasted = at_us - (queue.failing_since_us or at_us) >= PAUSED_AFTER_US
        if attempt.is_gone or has_lasted:
            reason = (
                "the endpoint answered 410 Gone" if attempt.is_gone else "deliveries failed for five days"
            )
            endpoint = queue.endpoint.endpoint
            self.pauses.setdefault(
                endpoint, EndpointPause(endpoint, reason, self._notice(queue, attempt, reason))
            )

    def _set_failing(self, queue: EndpointQueue, since_us: int | None) -> None:
        if queue.failing_since_us != since_us:
            queue.failing_since_us = since_us
            self.health[queue.endpoint.endpoint] = EndpointHealth(queue.endpoint.endpoint, since_us)

    def _notice(self, queue: EndpointQueue, attempt: AttemptOutcome, reason: str) -> EndpointNotice:
        """Return the event for the tenant's other endpoints.

        The URL may hold a secret, so the event names the host only.
        """
        endpoint, now_us = queue.endpoint.endpoint, self._dependencies.clock()
        event_id = event_time(now_us) + sha256(endpoint + now_us.to_bytes(8, "big")).digest()[:_ID_BYTES]
        data = {
            "endpoint_id": uuid_text(endpoint),
            "host": queue.host,
            "reason": reason,
            "last_attempt": attempt.result.reason,
            "failing_since": utc_text(queue.failing_since_us or now_us),
        }
        at = CommitInstant(self._tenant, "", attempt.result.job.revision, now_us)
        return EndpointNotice(DELIVERY_FAILED, event_id, encode_envelope(DELIVERY_FAILED, event_id, at, data))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
