"""What the application is made of. `bootstrap` fills it; tests fill it with fakes."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cached_property
from typing import Protocol

from calltally.ingest.intake import Intake
from calltally.net.http_client import OutgoingClient, OutgoingPolicy
from calltally.net.mail import MailServer, SendMail
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.jobs.folders import JobFolders
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.tenants.vault import Vault
from calltally.web.metrics.metrics import Metrics
from calltally.web.metrics.signature_failures import SignatureFailureCounter
from calltally.web.request.access import Access
from calltally.web.request.long_poll import LongPolls


async def _no_mail(server: MailServer, mail: EmailMessage) -> str | None:  # noqa: ARG001 (as all that send)
    return "mail is not set up here"


class Authenticator(Protocol):
    """Tells who presents a key."""

    async def access(self, authorization: bytes | None, admin_key: bytes | None) -> Access:
        """The access that the two headers' values stand for; the first wins where both are sent.

        Raises Unauthorized, with the same words for a key that is missing, wrong or revoked.
        """
        ...

    def forget(self, tenant: str, key_id: str) -> None:
        """Make a revocation count at once."""
        ...

    def forget_tenant(self, tenant: str) -> None:
        """Make what keys of a tenant may see count at once."""
        ...


class RateLimiter(Protocol):
    """A budget of requests for each key."""

    @property
    def limit(self) -> int:
        """Requests a minute and key; 0 where there is no limit."""
        ...

    def take(self, key_id: str) -> int:
        """Count one request; returns what remains. Raises TooManyRequests when nothing does."""
        ...


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """All that handlers reach for. `clock` is the wall clock, in microseconds UTC.

    `public_url` is where the outside sees this service, without a slash at the end; None where it is not
    configured; `trust_proxy` says whether to believe X-Forwarded-Proto and X-Forwarded-Host. `vault` seals
    provider secrets at rest. `folders` is where the files of jobs lie, None where no jobs are done.
    `metrics_by_tenant` is whether `/metrics` may name tenants. `outgoing` and `send_mail` reach places that
    tenants named.
    """

    store: Store
    clock: Clock
    keys: Authenticator
    limits: RateLimiter
    vault: Vault
    folders: JobFolders | None = None
    public_url: str | None = None
    trust_proxy: bool = False
    metrics_by_tenant: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    outgoing: OutgoingClient = field(default_factory=lambda: OutgoingClient(OutgoingPolicy()))
    send_mail: SendMail = _no_mail

    @cached_property
    def long_polls(self) -> LongPolls:
        """Who waits for changes waits here."""
        return LongPolls(self._head_of)

    async def _head_of(self, tenant: str) -> int:
        return (await self.store.read(read_ledger_head(tenant))).revision

    @cached_property
    def signature_failures(self) -> SignatureFailureCounter:
        """Counts what no secret of the tenant has signed."""
        return SignatureFailureCounter(self.store, self.clock)

    @cached_property
    def intake(self) -> Intake:
        """All that comes in over HTTP goes through this one, which remembers routes and secrets."""
        return Intake(self.store, self.vault, self.clock)

    async def close(self) -> None:
        """Let go whoever waits, forget what was not written, and close the store, whichever of them fails."""
        async with AsyncExitStack() as then:
            then.push_async_callback(self.store.close)
            then.push_async_callback(self.signature_failures.close)
            await self.long_polls.close()
