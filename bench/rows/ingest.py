"""Facts into the ledger, durable on return: rate, worst answers, and the write-ahead log's size."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from bench.bare_inserts import BATCH_FACTS, BareWriter, Recorder
from bench.lab import Lab
from bench.live import messages, submission
from bench.table import Limit, Row, at_least, context, within
from bench.timing import MS_PER_S, percentile, settle, wall_us
from calltally.store.backends.open import migrate, open_store
from calltally.store.db.interface import Store, Submission

SEED: Final = 11
_ROUNDS: Final = 3
_LOADS: Final = (256, 64)
_HALF: Final = 0.5
_MOST_P99_MS: Final = {256: 25, 64: 10}
_WISH_PER_S: Final = 20_000
_MOST_WAL_BYTES: Final = 256 * 1024 * 1024
_LOOK_EVERY: Final = 500


class Ingested(NamedTuple):
    """One chunk of facts through the ledger."""

    per_s: float
    latencies: list[float]
    wal_bytes: int


def facts_a_chunk(size: int) -> int:
    """How many facts a round takes: enough for a steady state, few enough for small sizes."""
    return max(2 * BATCH_FACTS, min(8_192, size // 4) // BATCH_FACTS * BATCH_FACTS)


def live_facts(seed: int = SEED) -> Iterator[Submission]:
    """Ever new callbacks, as the intake hands them on."""
    return map(submission, messages(seed))


async def through_ledger(
    store: Store, facts: Sequence[Submission], in_flight: int, path: Path | None = None
) -> Ingested:
    """Submit each fact by itself, that many at a time."""
    waiting, latencies, wal = iter(facts), list[float](), [0]

    async def one_after_the_other() -> None:
        for fact in waiting:
            started = time.perf_counter()
            await store.submit([fact])
            latencies.append(time.perf_counter() - started)
            if path and len(latencies) % _LOOK_EVERY == 0:
                wal[0] = max(wal[0], path.with_name(f"{path.name}-wal").stat().st_size)

    started = time.perf_counter()
    async with asyncio.timeout(120):
        await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    return Ingested(len(facts) / (time.perf_counter() - started), latencies, wal[0])


async def ingest(lab: Lab) -> list[Row]:
    """Ours at two loads and the bare inserts in turn, on two copies of the same database."""
    ours, theirs = await lab.copy(), await lab.copy()
    template = lab.new_folder() / "recorder.db"
    await asyncio.to_thread(migrate, f"sqlite:///{template}")
    recorder = Recorder(template, theirs.path)
    store, bare = open_store(ours.url, wall_us), BareWriter(theirs.path)
    try:
        taken, bare_rates = await _alternate(store, ours.path, recorder, bare, facts_a_chunk(lab.size))
    finally:
        await store.close()
        bare.close()
        recorder.close()
        lab.drop(ours)
        lab.drop(theirs)
    return _rows(taken, median(bare_rates))


async def _alternate(
    store: Store, path: Path, recorder: Recorder, bare: BareWriter, chunk: int
) -> tuple[dict[int, list[Ingested]], list[float]]:
    facts = live_facts()
    taken: dict[int, list[Ingested]] = {load: [] for load in _LOADS}
    rates: list[float] = []
    # A first chunk brings calls under way, so that what follows is mostly changes; it does not count.
    for number in range(_ROUNDS + 1):
        for in_flight in _LOADS:
            same = list(islice(facts, chunk))
            batches = recorder.batches(same)
            settle()
            done = await through_ledger(store, same, in_flight, path)
            started = time.perf_counter()
            bare.write(batches)
            if number:
                taken[in_flight].append(done)
                rates.append(chunk / (time.perf_counter() - started))
    return taken, rates


def _rows(taken: dict[int, list[Ingested]], bare: float) -> list[Row]:
    rates = {load: median(done.per_s for done in rounds) for load, rounds in taken.items()}
    against = f"the same rows, bare batches of {BATCH_FACTS}: {bare:,.0f}/s"
    full, part = _LOADS
    rows = [
        at_least(
            f"facts, durable, {full} in flight",
            f"{rates[full]:,.0f}/s",
            against,
            ratio=rates[full] / bare,
            limit=Limit(_HALF),
        ),
        # What is in flight is what a commit can hold, so these batches are a quarter of the others'.
        context(
            f"facts, durable, {part} in flight",
            f"{rates[part]:,.0f}/s",
            against,
            f"{rates[part] / bare:.2f}x",
        ),
    ]
    wal = max(done.wal_bytes for rounds in taken.values() for done in rounds)
    return [
        *rows,
        *(_p99_row(load, rounds) for load, rounds in taken.items()),
        within(
            "WAL meanwhile, at most",
            f"{wal / 1e6:,.0f} MB",
            target="at most 256 MB",
            met=wal <= _MOST_WAL_BYTES,
        ),
        context("facts in one process, the wish", f"{max(rates.values()):,.0f}/s", f"{_WISH_PER_S:,}/s"),
    ]


def _p99_row(load: int, rounds: list[Ingested]) -> Row:
    p99_ms = median(percentile(done.latencies, 0.99) for done in rounds) * MS_PER_S
    p50_ms = median(percentile(done.latencies, 0.5) for done in rounds) * MS_PER_S
    most = _MOST_P99_MS[load]
    return within(
        f"facts, p99 at {load} in flight",
        f"{p99_ms:.1f} ms",
        against=f"its median: {p50_ms:.1f} ms",
        target=f"at most {most} ms",
        met=p99_ms <= most,
    )
