"""Helpers for deliveries: a store, local endpoints, and a dispatcher between them."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from calltally.deliveries.dependencies import DeliveryDependencies
from calltally.deliveries.dispatcher import DeliveryDispatcher
from calltally.net.addresses import parse_networks
from calltally.net.http_client import OutgoingClient, OutgoingPolicy
from calltally.store.db.interface import ObservableStore, Submission
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.deliveries import Delivery, DeliveryFilter, list_deliveries
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint, seal_secret
from calltally.web.metrics.metrics import Metrics
from tests.conftest import NOW_US, TENANT, Bench
from tests.sample_facts import fact

VAULT: Final = Vault(bytes(32))
SECRET: Final = "whsec_" + b64encode(b"k" * 32).decode()
_WAIT_S: Final = 20.0
_A_MOMENT_S: Final = 0.005


class AdvanceableClock:
    """Clock that runs with the event loop's and can be set ahead."""

    def __init__(self) -> None:
        self.ahead_us = 0

    def __call__(self) -> int:
        return NOW_US + self.ahead_us + int(asyncio.get_running_loop().time() * 1_000_000)


class DeliverySetup:
    """Store, endpoints and calls of a delivery test."""

    def __init__(self, bench: Bench) -> None:
        assert isinstance(bench.store, ObservableStore)
        self.store: ObservableStore = bench.store
        self.clock = AdvanceableClock()
        self.metrics = Metrics()
        self._count = 0

    async def endpoint(self, url: str, tenant: str = TENANT, **wanted: object) -> bytes:
        self._count += 1
        endpoint = bytes([self._count]) * 16
        sealed = seal_secret(VAULT, tenant, endpoint, SECRET)
        settings = EndpointSettings(url=url, **wanted)  # type: ignore[arg-type] # as the test says
        await self.store.write(add_endpoint(tenant, endpoint, settings, sealed, self.clock()))
        return endpoint

    async def submit_call(self, sid: str, status: str, at: int = 9, tenant: str = TENANT) -> None:
        await self.store.submit([Submission(tenant, fact(at, sid, status=status))])

    @asynccontextmanager
    async def delivering(
        self, *, timeout_s: float = 1.0, chance: Callable[[], float] = lambda: 0.0, holder: str = "one"
    ) -> AsyncIterator[DeliveryDispatcher]:
        """Run a dispatcher during the block; with chance 0 no retry waits."""
        stop = asyncio.Event()
        dispatcher = DeliveryDispatcher(self.sending(timeout_s, chance, holder), stop)
        task = asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            stop.set()
            await task

    def sending(self, timeout_s: float, chance: Callable[[], float], holder: str) -> DeliveryDependencies:
        policy = OutgoingPolicy(allow_http=True, networks=parse_networks("127.0.0.0/8"), timeout_s=timeout_s)
        return DeliveryDependencies(
            store=self.store,
            outgoing=OutgoingClient(policy),
            vault=lambda: VAULT,
            clock=self.clock,
            chance=chance,
            holder=holder,
            timeout_s=timeout_s,
            tally=self.metrics,
            user_agent="calltally/test",
        )

    async def deliveries(self, endpoint: bytes, tenant: str = TENANT) -> list[Delivery]:
        found: list[Delivery] = await self.store.read(
            list_deliveries(tenant, endpoint, DeliveryFilter(), 1000)
        )
        return found


async def wait_until(holds: Callable[[], object], wait_s: float = _WAIT_S) -> None:
    """Wait until a condition holds."""
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + wait_s
    done: asyncio.Future[None] = loop.create_future()

    def check() -> None:
        if holds():
            done.set_result(None)
        elif loop.time() > ends_s:
            done.set_exception(TimeoutError("it did not come about"))
        else:
            loop.call_later(_A_MOMENT_S, check)

    check()
    await done
