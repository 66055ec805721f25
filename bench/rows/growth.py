"""Costs with a tenth of the data and with all of it: none may grow with the data."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from itertools import islice
from statistics import median
from typing import Final, TypeAlias

from bench.client import get
from bench.dataset import Dataset, read_indexes
from bench.lab import Lab
from bench.processes import service
from bench.rows.ingest import Ingested, facts_a_chunk, live_facts, through_ledger
from bench.rows.pages import alternated, page_path
from bench.rows.rates import rates_reader
from bench.rows.seeking import offsets_of, page_reader, total_reader
from bench.table import Row, at_most, micros
from bench.timing import interleaved, settle, wall_us
from calltally.store.backends.open import open_store
from calltally.store.db.interface import Store, Submission

_LIMIT: Final = 1.3
_ROUNDS: Final = 40
_INGEST_ROUNDS: Final = 4
_IN_FLIGHT: Final = 256
_PAGES: Final = 600

# Of the whole and of the tenth.
Sizes: TypeAlias = tuple[int, int]
Stores: TypeAlias = tuple[Store, Store]
Measured: TypeAlias = Callable[[Stores, Sizes], Awaitable[list[Row]]]


async def growth(lab: Lab) -> list[Row]:
    """Page, total, rates and facts a second at both sizes, in turn. What writes does so on copies."""
    sizes = lab.size, max(lab.size // 10, 100)
    datasets = [await lab.dataset(size) for size in sizes]
    read = [await _served_row(datasets, sizes), *(await _at_both(datasets, sizes, _read_rows))]
    # Reads first: a copy of the larger may leave the system no memory for the set itself.
    copies = [await lab.copy(size) for size in sizes]
    try:
        for copy in copies:
            await asyncio.to_thread(read_indexes, copy.path)
        return read + await _at_both(copies, sizes, _fact_rows)
    finally:
        for copy in copies:
            lab.drop(copy)


async def _served_row(datasets: Sequence[Dataset], sizes: Sizes) -> Row:
    """A page anywhere as a client gets it."""
    async with AsyncExitStack() as stack:
        requests = []
        for dataset, size in zip(datasets, sizes, strict=True):
            server = await stack.enter_async_context(
                service(dataset.url, probe=page_path(25), key=dataset.key)
            )
            draw = offsets_of(size)
            pages = [get(page_path(25, draw()), server.port, dataset.key) for _ in range(_PAGES)]
            requests.append((server, pages))
        return _cost_row("page of 25 at any offset, over HTTP", await alternated(requests), sizes)


async def _at_both(datasets: Sequence[Dataset], sizes: Sizes, measured: Measured) -> list[Row]:
    large, small = (open_store(dataset.url, wall_us) for dataset in datasets)
    try:
        return await measured((large, small), sizes)
    finally:
        await large.close()
        await small.close()


async def _read_rows(stores: Stores, sizes: Sizes) -> list[Row]:
    readers = [page_reader(store, offsets_of(size)) for store, size in zip(stores, sizes, strict=True)]
    pages = await interleaved(*readers, rounds=_ROUNDS)
    totals = await interleaved(*map(total_reader, stores), rounds=_ROUNDS)
    rates = await interleaved(*(rates_reader(store, "route") for store in stores), rounds=_ROUNDS)
    return [
        _cost_row("page of 25 at any offset, in process", pages, sizes),
        _cost_row("exact total", totals, sizes),
        _cost_row("30 days of rates by route", rates, sizes),
    ]


async def _fact_rows(stores: Stores, sizes: Sizes) -> list[Row]:
    large, small = await _rates(stores, facts_a_chunk(sizes[0]))
    what, against = f"facts, durable, {sizes[0]:,} calls", f"{sizes[1]:,} calls: {small:,.0f}/s"
    return [at_most(what, f"{large:,.0f}/s", against, ratio=small / large, limit=_LIMIT)]


def _cost_row(what: str, seconds: list[float], sizes: Sizes) -> Row:
    large, small = seconds
    against = f"{sizes[1]:,} calls: {micros(small)}"
    return at_most(f"{what}, {sizes[0]:,} calls", micros(large), against, ratio=large / small, limit=_LIMIT)


async def _rates(stores: Stores, chunk: int) -> list[float]:
    facts = live_facts()
    taken: list[list[Ingested]] = [[], []]
    for number in range(_INGEST_ROUNDS):
        same: list[Submission] = list(islice(facts, chunk))
        for store, rounds in zip(stores, taken, strict=True):
            settle()
            done = await through_ledger(store, same, _IN_FLIGHT)
            if number:
                rounds.append(done)
    return [median(done.per_s for done in rounds) for rounds in taken]
