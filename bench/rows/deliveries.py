"""Deliveries: how many a worker makes in a second, and how soon one is made beside bad endpoints."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.lab import Lab
from bench.processes import free_port
from bench.table import Row, context, within
from bench.timing import MS_PER_S, percentile
from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.deliveries.dependencies import NO_METRICS, DeliveryDependencies
from calltally.deliveries.dispatcher import DeliveryDispatcher
from calltally.net.addresses import parse_networks
from calltally.net.http_client import OutgoingClient, OutgoingPolicy
from calltally.store.backends.open import migrate, open_store
from calltally.store.db.interface import ObservableStore, Submission
from calltally.store.tenants.tenants import add_tenant, new_epoch
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint, seal_secret

_TENANT: Final = "bench"
_BACKLOG: Final = 10_000
_LEAST_PER_S: Final = 1_000
_HOSTILE: Final = (
    *("hang-1", "hang-2", "hang-3", "fail-1", "fail-2"),
    *("reset-1", "large-1", "away-1", "drip-1", "drip-2"),
)
_EVENTS_PER_S: Final = 500
_FOR_S: Final = 20
_MOST_P99_MS: Final = 1_000
_TIMEOUT_S: Final = 10.0
_VAULT: Final = Vault(bytes(32))
_SECRET: Final = "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2trazA="
_ENDS_S: Final = 60.0
_LOOK_S: Final = 0.02


class _Desk(NamedTuple):
    store: ObservableStore
    port: int
    received_log: Path

    async def endpoint(self, number: int, behavior: str) -> None:
        """One whose path says how it behaves, for `voice.call.started`."""
        endpoint = number.to_bytes(16, "big")
        wanted = EndpointSettings(f"http://127.0.0.1:{self.port}/{behavior}", events=("voice.call.started",))
        sealed = seal_secret(_VAULT, _TENANT, endpoint, _SECRET)
        await self.store.write(add_endpoint(_TENANT, endpoint, wanted, sealed, _now_us()))

    async def submit(self, numbers: Sequence[int]) -> None:
        """So many new calls."""
        await self.store.submit([Submission(_TENANT, _fact(number)) for number in numbers])

    def received(self) -> dict[str, int]:
        """When each call's event came first."""
        submitted: dict[str, int] = {}
        for line in self.received_log.read_text().splitlines():
            sid, _, at_us = line.partition(" ")
            if at_us:
                submitted.setdefault(sid, int(at_us))
        return submitted


async def deliveries(lab: Lab) -> list[Row]:
    """Both, on a database of their own; the receiver is a process beside."""
    return [*await _rate(lab), *await _among_hostile(lab)]


async def _rate(lab: Lab) -> list[Row]:
    async with _desk(lab) as desk:
        await desk.endpoint(1, "good")
        for at in range(0, _BACKLOG, 1_000):
            await desk.submit(range(at, at + 1_000))
        began, cpu = time.perf_counter(), time.process_time()
        async with _delivering(desk):
            await _until(desk, _BACKLOG)
        took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    per_s = _BACKLOG / took_s
    what = "deliveries a worker to a receiver on this machine"
    return [
        within(what, f"{per_s:,.0f}/s", target=f"at least {_LEAST_PER_S:,}/s", met=per_s >= _LEAST_PER_S),
        context(f"{what}, CPU", f"{cpu_s / _BACKLOG * 1e6:,.0f} us each", "of the worker's process"),
    ]


async def _among_hostile(lab: Lab) -> list[Row]:
    async with _desk(lab) as desk:
        await desk.endpoint(1, "good")
        for number, behavior in enumerate(_HOSTILE, 2):
            await desk.endpoint(number, behavior)
        async with _delivering(desk):
            submitted = await _submit_evenly(desk)
            await _until(desk, len(submitted))
        received = desk.received()
    ages_s = [(received[sid] - at_us) / 1e6 for sid, at_us in submitted.items()]
    p99_ms = percentile(ages_s, 0.99) * MS_PER_S
    label = f"beside {len(_HOSTILE)} hostile endpoints"
    what = f"commit to first attempt at {_EVENTS_PER_S} events/s {label}, p99"
    return [within(what, f"{p99_ms:,.0f} ms", target="under 1 s", met=p99_ms < _MOST_P99_MS)]


async def _submit_evenly(desk: _Desk) -> dict[str, int]:
    """Ten commits a second; when each call was committed."""
    submitted: dict[str, int] = {}
    began, step = time.perf_counter(), _EVENTS_PER_S // 10
    for number in range(_FOR_S * 10):
        await asyncio.sleep(max(0.0, began + number / 10 - time.perf_counter()))
        numbers = range(number * step, (number + 1) * step)
        await desk.submit(numbers)
        submitted |= {f"call-{each}": _now_us() for each in numbers}
    return submitted


async def _until(desk: _Desk, many: int) -> None:
    async with asyncio.timeout(_ENDS_S):
        while len(desk.received()) < many:  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(_LOOK_S * 10)


@asynccontextmanager
async def _delivering(desk: _Desk) -> AsyncIterator[None]:
    stop = asyncio.Event()
    policy = OutgoingPolicy(allow_http=True, networks=parse_networks("127.0.0.0/8"), timeout_s=_TIMEOUT_S)
    means = DeliveryDependencies(
        store=desk.store,
        outgoing=OutgoingClient(policy),
        vault=lambda: _VAULT,
        clock=_now_us,
        chance=lambda: 0.5,
        holder="bench",
        timeout_s=_TIMEOUT_S,
        tally=NO_METRICS,
        user_agent="calltally/bench",
    )
    task = asyncio.create_task(DeliveryDispatcher(means, stop).run())
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def _desk(lab: Lab) -> AsyncIterator[_Desk]:
    folder, port = lab.new_folder(), free_port()
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder / 'calltally.db'}"
    migrate(url)
    received_log = folder / "received.txt"
    command = [sys.executable, "-m", "bench.receiver", str(port)]
    with received_log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE)  # noqa: ASYNC220 - starts at once
    try:
        assert process.stderr is not None
        await asyncio.to_thread(process.stderr.readline)
        store = open_store(url, _now_us)
        assert isinstance(store, ObservableStore)
        await store.write(add_tenant(_TENANT, "", _now_us(), new_epoch()))
        yield _Desk(store, port, received_log)
        await store.close()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def _fact(number: int) -> Fact:
    sid, at_us = f"call-{number}", 1_790_000_000_000_000 + number
    stated: StatedFields = {"status": "ringing", "direction": "inbound"}
    return Fact(
        sid, Channel.CALLBACK, "twilio", "", "", None, at_us, at_us, content_digest([sid]), stated, b"{}"
    )


def _now_us() -> int:
    return time.time_ns() // 1000
