"""A simulated month of a provider's calls in a ledger of its own, and its list in a file."""

import asyncio
import shutil
import time
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import IO, Any, Final

import msgspec

from bench.call_resource import ACCOUNT
from bench.dataset import schema_mark
from bench.live import TOKEN
from bench.provider_month import Planted, provider_month
from bench.timing import wall_us
from calltally.bootstrap.vaults import open_vault
from calltally.calls.events import Fact
from calltally.calls.times import SECOND_US
from calltally.settings.fields import Settings
from calltally.store.backends.open import migrate, open_store
from calltally.store.db.interface import Store, Submission
from calltally.store.tenants.tenants import add_tenant, new_epoch
from calltally.store.tenants.vault import put_provider_secrets

TENANT: Final = "acme"
LEDGER: Final = "calltally.db"
LISTED: Final = "listed.ndjson"
# Of each line of it the second of its start and where it ends in the file, 8 bytes each.
OFFSETS: Final = "listed.places"
# Where the stand-in of the provider finds it.
VARIABLE: Final = "BENCH_LISTED"
_NOTE: Final = "planted.json"
_SEED: Final = 4
_BATCH: Final = 2_000
_MAX_RUNNING: Final = 3
# Callbacks come in any order within so many facts, and some come twice.
_DISORDER: Final = 200
_REPEATED: Final = 0.03


class Labels(msgspec.Struct):
    """Result of planting: the number of facts, the seconds it took, and each fault as "kind SID"."""

    facts: int = 0
    seconds: float = 0.0
    faults: list[str] = []


async def planted(root: Path, calls: int) -> tuple[Path, Labels]:
    """The folder of such a month below `root`, planted if it is not there, and what was planted in it."""
    folder = root / f"month-{calls}-{schema_mark()}"
    note = folder / _NOTE
    if note.exists():
        return folder, msgspec.json.decode(note.read_bytes(), type=Labels)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started_s = time.perf_counter()
    labels = await plant(folder, calls, Random(_SEED))
    labels.seconds = time.perf_counter() - started_s
    note.write_bytes(msgspec.json.encode(labels))
    return folder, labels


async def plant(folder: Path, calls: int, random: Random) -> Labels:
    """Tell a new ledger in `folder` what was heard, and write down what the provider lists."""
    given: dict[str, Any] = {"database_url": f"sqlite:///{folder / LEDGER}"}
    settings = Settings(**given)
    await asyncio.to_thread(migrate, settings.database_url)
    store = open_store(settings.database_url, wall_us)
    labels = Labels()
    try:
        await _sign_in(store, settings)
        with (folder / LISTED).open("wb") as file, (folder / OFFSETS).open("wb") as offsets:
            ordered = _with_order(_noted(_listed(provider_month(calls), file, offsets), labels), random)
            await _submit(store, ordered, labels)
    finally:
        await store.close()
    return labels


async def _sign_in(store: Store, settings: Settings) -> None:
    secrets = {"auth_token": TOKEN, "account_sid": ACCOUNT}
    sealed = open_vault(settings).seal(TENANT, "twilio", secrets)
    await store.write(add_tenant(TENANT, TENANT, wall_us(), new_epoch()))
    await store.write(put_provider_secrets(TENANT, "twilio", sealed, wall_us()))


def _listed(month: Iterable[Planted], file: IO[bytes], offsets: IO[bytes]) -> Iterator[Planted]:
    for call in month:
        file.write(msgspec.json.encode(call.listed) + b"\n")
        offsets.write(array("q", (call.started_us // SECOND_US, file.tell())).tobytes())
        yield call


def _noted(month: Iterable[Planted], labels: Labels) -> Iterator[Fact]:
    for call in month:
        if call.fault is not None:
            labels.faults.append(f"{call.fault} {call.listed['sid']}")
        yield from call.facts


def _with_order(facts: Iterator[Fact], random: Random) -> Iterator[Fact]:
    waiting: list[Fact] = []
    for fact in facts:
        waiting.append(fact)
        if random.random() < _REPEATED:
            waiting.append(fact)
        while len(waiting) > _DISORDER:
            at = random.randrange(len(waiting))
            waiting[at], waiting[-1] = waiting[-1], waiting[at]
            yield waiting.pop()
    yield from waiting


async def _submit(store: Store, facts: Iterator[Fact], labels: Labels) -> None:
    running: set[asyncio.Task[object]] = set()
    while batch := [Submission(TENANT, fact, announce=False) for fact in islice(facts, _BATCH)]:
        labels.facts += len(batch)
        if len(running) == _MAX_RUNNING:
            finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                await task
        running.add(asyncio.create_task(store.submit(batch)))
    await asyncio.gather(*running)
