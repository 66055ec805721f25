"""Dependencies of the application. `bootstrap` fills them; tests use fakes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from calltally.calls.times import SECOND_US
from calltally.doctor.checks import Examination, examine
from calltally.doctor.facts import Facts
from calltally.ingest.intake import Intake
from calltally.net.http_client import OutgoingClient, OutgoingPolicy
from calltally.net.mail import MailServer, SendMail
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.jobs.folders import JobFolders
from calltally.store.maintenance.erasure_ledger import ErasureLedger
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.tenants.dead_letters import record_failures
from calltally.store.tenants.unlisted_fields import record_unlisted_field
from calltally.store.tenants.vault import Vault, record_receipt
from calltally.web.auth.key_uses import KeyUses
from calltally.web.auth.keyring import KeyRing
from calltally.web.auth.token_bucket import RateLimits
from calltally.web.metrics.metrics import Metrics
from calltally.web.metrics.stored_counter import StoredCounter
from calltally.web.metrics.stored_times import StoredTimes
from calltally.web.request.long_poll import LongPolls


async def _nothing_to_examine() -> Examination:
    return examine(Facts(0, "no database"))


async def _no_mail(server: MailServer, mail: EmailMessage) -> str | None:  # noqa: ARG001 (as all that send)
    return "no mail server is configured"


_FAILURES_INTERVAL_S: Final = 2.0
_UNLISTED_INTERVAL_S: Final = 10.0
_RECEIPTS_EVERY_US: Final = 60 * SECOND_US


class StartGate:
    """Lets one waiting request start in each iteration of the event loop.

    A page takes some milliseconds of the loop. Without the gate, a callback that arrives with sixteen page
    requests waits for all of them at each of its steps; with it, for one.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def wait(self) -> None:
        """Wait for the requests that came earlier to start, and for one iteration of the loop."""
        async with self._lock:
            await asyncio.sleep(0)


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """Dependencies of all handlers. `clock` is the wall clock in microseconds UTC.

    `public_url` is the URL of this service as clients see it, without a trailing slash; None if not
    configured. It may have a path. `trust_proxy` enables X-Forwarded-Proto and X-Forwarded-Host. `vault`
    encrypts provider secrets at rest. `folders` holds the files of jobs; None without jobs.
    `metrics_by_tenant` allows tenant labels in `/metrics`. `outgoing` and `send_mail` connect to addresses
    that tenants configure. `key_uses` records the last uses of keys; None does not. `examine` runs the checks
    of the installation.
    """

    store: Store
    clock: Clock
    keys: KeyRing
    limits: RateLimits
    vault: Vault
    folders: JobFolders | None = None
    erasures: ErasureLedger | None = None
    public_url: str | None = None
    trust_proxy: bool = False
    metrics_by_tenant: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    outgoing: OutgoingClient = field(default_factory=lambda: OutgoingClient(OutgoingPolicy()))
    send_mail: SendMail = _no_mail
    key_uses: KeyUses | None = None
    examine: Callable[[], Awaitable[Examination]] = _nothing_to_examine

    @cached_property
    def public_path(self) -> str:
        """Path of the public URL, under which clients find all paths of this service; empty without one."""
        return urlsplit(self.public_url or "").path

    @cached_property
    def long_polls(self) -> LongPolls:
        return LongPolls(self._head_of)

    async def _head_of(self, tenant: str) -> int:
        return (await self.store.read(read_ledger_head(tenant))).revision

    @cached_property
    def signature_failures(self) -> StoredCounter[tuple[str, str]]:
        """Counter of callbacks with a wrong signature, by tenant and provider, for alerts."""
        return StoredCounter(self.store, self.clock, record_failures, _FAILURES_INTERVAL_S)

    @cached_property
    def unlisted_fields(self) -> StoredCounter[tuple[str, str, str]]:
        """Counter of callbacks with a field that no page lists, by tenant, provider and field."""
        return StoredCounter(self.store, self.clock, record_unlisted_field, _UNLISTED_INTERVAL_S)

    @cached_property
    def page_starts(self) -> StartGate:
        """Gate of the dashboard's pages, so that many of them do not delay callbacks."""
        return StartGate()

    @cached_property
    def provider_receipts(self) -> StoredTimes[tuple[str, str]]:
        """Times of the last authentic callbacks, by tenant and provider."""
        return StoredTimes(self.store, self.clock, record_receipt, _RECEIPTS_EVERY_US)

    @cached_property
    def intake(self) -> Intake:
        """Entry point of all facts that arrive over HTTP. Caches routes and secrets."""
        return Intake(self.store, self.vault, self.clock)

    async def close(self) -> None:
        """Release long polls, discard unwritten counts and close the store, even if one of these fails."""
        async with AsyncExitStack() as then:
            then.push_async_callback(self.store.close)
            then.push_async_callback(self.signature_failures.close)
            then.push_async_callback(self.unlisted_fields.close)
            then.push_async_callback(self.provider_receipts.close)
            if self.key_uses is not None:
                then.push_async_callback(self.key_uses.times.close)
            await self.long_polls.close()
