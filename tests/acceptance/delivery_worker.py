"""A worker that only delivers and retries at once: `-m tests.acceptance.delivery_worker URL HOLDER`."""

import asyncio
import random
import signal
import sys
import time
from typing import Final

from calltally.deliveries.dependencies import UNCOUNTED, Sending
from calltally.deliveries.dispatcher import Deliverer
from calltally.net.addresses import networks
from calltally.net.http_client import Outgoing, Policy
from calltally.store.backends.open import open_store
from calltally.store.db.interface import WatchedStore
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
    assert isinstance(store, WatchedStore)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    policy = Policy(allow_http=True, networks=networks("127.0.0.0/8"), timeout_s=TIMEOUT_S)
    means = Sending(
        store=store,
        outgoing=Outgoing(policy),
        vault=lambda: Vault(bytes(32)),
        clock=now_us,
        chance=lambda: random.random() * CHANCE,
        holder=holder,
        timeout_s=TIMEOUT_S,
        tally=UNCOUNTED,
        user_agent="calltally/test",
    )
    await Deliverer(means, stop).run()
    await store.close()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
