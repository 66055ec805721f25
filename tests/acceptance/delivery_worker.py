"""A worker that only delivers and retries at once: `-m tests.acceptance.delivery_worker URL HOLDER`."""

import asyncio
import random
import signal
import sys
import time
from typing import Final

from calltally.deliveries.dependencies import NO_METRICS, DeliveryDependencies
from calltally.deliveries.dispatcher import DeliveryDispatcher
from calltally.net.addresses import parse_networks
from calltally.net.http_client import OutgoingClient, OutgoingPolicy
from calltally.store.backends.open import open_store
from calltally.store.db.interface import ObservableStore
from calltally.store.tenants.vault import Vault

TIMEOUT_S: Final = 1.0
# Of a span of ten seconds: so retries come within a tenth of one.
CHANCE: Final = 0.01


def now_us() -> int:
    """The wall clock, which the processes of one machine share."""
    return time.time_ns() // 1000


async def work(url: str, holder: str) -> None:
    """Until SIGTERM, if that comes before SIGKILL."""
    store = open_store(url, now_us)
    assert isinstance(store, ObservableStore)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    policy = OutgoingPolicy(allow_http=True, networks=parse_networks("127.0.0.0/8"), timeout_s=TIMEOUT_S)
    means = DeliveryDependencies(
        store=store,
        outgoing=OutgoingClient(policy),
        vault=lambda: Vault(bytes(32)),
        clock=now_us,
        chance=lambda: random.random() * CHANCE,
        holder=holder,
        timeout_s=TIMEOUT_S,
        tally=NO_METRICS,
        user_agent="calltally/test",
    )
    await DeliveryDispatcher(means, stop).run()
    await store.close()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
