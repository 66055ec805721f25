"""What a tenth of the data costs, beside the whole: nothing may grow with it."""

from itertools import islice
from statistics import median
from typing import Final

from bench.lab import Lab
from bench.rows.ingest import Ingested, facts_a_chunk, live_facts, through_ledger
from bench.rows.seeking import offsets_of, page_reader, total_reader
from bench.table import Row, at_most, micros
from bench.timing import interleaved, settle, wall_us
from calltally.store.opening import open_store
from calltally.store.store import Store, Submission

_LIMIT: Final = 1.3
_ROUNDS: Final = 40
_INGEST_ROUNDS: Final = 4
_IN_FLIGHT: Final = 256


async def growth(lab: Lab) -> list[Row]:
    """Page, total and facts a second at both sizes, in turn, on copies."""
    tenth = max(lab.size // 10, 100)
    large, small = await lab.copy(), await lab.copy(tenth)
    stores = open_store(large.url, wall_us), open_store(small.url, wall_us)
    try:
        return await _rows(stores, (lab.size, tenth))
    finally:
        for store in stores:
            await store.close()
        lab.drop(large)
        lab.drop(small)


async def _rows(stores: tuple[Store, Store], sizes: tuple[int, int]) -> list[Row]:
    readers = [page_reader(store, offsets_of(size)) for store, size in zip(stores, sizes, strict=True)]
    pages = await interleaved(*readers, rounds=_ROUNDS)
    totals = await interleaved(*map(total_reader, stores), rounds=_ROUNDS)
    rates = await _rates(stores, facts_a_chunk(sizes[0]))
    at = f"{sizes[0]:,} calls"
    before = f"{sizes[1]:,} calls"
    return [
        _cost_row(f"page at any offset, {at}", pages, before),
        _cost_row(f"exact total, {at}", totals, before),
        at_most(
            f"facts, durable, {at}",
            f"{rates[0]:,.0f}/s",
            f"{before}: {rates[1]:,.0f}/s",
            ratio=rates[1] / rates[0],
            limit=_LIMIT,
        ),
    ]


def _cost_row(what: str, seconds: list[float], before: str) -> Row:
    large, small = seconds
    return at_most(what, micros(large), f"{before}: {micros(small)}", ratio=large / small, limit=_LIMIT)


async def _rates(stores: tuple[Store, Store], chunk: int) -> list[float]:
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
