"""Pages as of a snapshot while the ledger moves on, and the window as a stream, asked of the store itself."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from bench.dataset import Dataset
from bench.lab import Lab
from bench.rows.seeking import offsets_of
from bench.table import Limit, Row, at_least, at_most, context, micros
from bench.timing import Timed, interleaved, wall_us
from bench.traffic import BIG
from calltally.calls.events import Channel, Fact, content_digest
from calltally.calls.export_formats import FORMATS
from calltally.calls.list_query import ListQuery
from calltally.calls.times import SECOND_US
from calltally.exports.window import CallWindow, first_chunk_query
from calltally.formats.writers import new_writer
from calltally.store.backends.open import open_store
from calltally.store.backends.sqlite.connection import connect
from calltally.store.db.interface import Store, Submission
from calltally.store.listing.list_calls import list_calls
from calltally.store.listing.seek import SEPARATOR

_ROUNDS: Final = 40
_TOUCHED: Final = 2_000
# What the prototypes had: 0.24 ms of the past where a page of the present costs 0.16.
_PAST_TIMES: Final = 1.5
_EXPORT_PER_S: Final = 100_000
_STREAMED_PER_S: Final = {"ndjson": 500_000, "csv": None, "arrow": None, "parquet": 300_000}


async def past(lab: Lab) -> list[Row]:
    """A page of a snapshot against one of the present, and an export by pages under it."""
    dataset = await lab.copy()
    store = open_store(dataset.url, wall_us)
    try:
        snapshot = (await store.read(list_calls(BIG, ListQuery()))).snapshot
        await store.submit([_touch(sid, created_us) for sid, created_us in _some_calls(dataset)])
        return [await _anywhere(store, snapshot, offsets_of(lab.size)), await _export(store, snapshot)]
    finally:
        await store.close()
        lab.drop(dataset)


async def streams(lab: Lab) -> list[Row]:
    """Each format of the stream, without HTTP."""
    dataset = await lab.dataset()
    store = open_store(dataset.url, wall_us)
    try:
        return [await _stream(store, name, wish) for name, wish in _STREAMED_PER_S.items()]
    finally:
        await store.close()


def _some_calls(dataset: Dataset) -> list[tuple[str, int]]:
    connection = connect(dataset.path)
    try:
        sql = "SELECT call_sid, created_us FROM calls WHERE tenant = ? ORDER BY id LIMIT ?"
        return [(sid, created_us) for sid, created_us in connection.execute(sql, (BIG, _TOUCHED))]
    finally:
        connection.close()


def _touch(sid: str, created_us: int) -> Submission:
    """A tag, told a second after the call began: its state stays, and so does its place."""
    stated = {"tags": ["touched"], "status": "ringing"}
    digest = content_digest([sid, stated])
    occurred_us = created_us + SECOND_US
    fact = Fact(sid, int(Channel.OWN_EVENT), "", "", "touch", None, occurred_us, occurred_us, digest, stated)  # type: ignore[arg-type]
    return Submission(BIG, fact, announce=False)


def _reader(store: Store, draw: Callable[[], int], snapshot: str | None) -> Timed:
    async def read() -> None:
        page = await store.read(list_calls(BIG, ListQuery(offset=draw(), snapshot=snapshot)))
        assert page.total

    return read


async def _anywhere(store: Store, snapshot: str, draw: Callable[[], int]) -> Row:
    of_past, of_now = _reader(store, draw, snapshot), _reader(store, draw, None)
    ours, theirs = await interleaved(of_past, of_now, rounds=_ROUNDS)
    what = f"page of 25 of a snapshot, {_TOUCHED:,} calls changed since"
    against = f"one of the present: {micros(theirs)}"
    return at_most(what, micros(ours), against, ratio=ours / theirs, limit=_PAST_TIMES)


async def _export(store: Store, snapshot: str) -> Row:
    """Page after page of 1,000, as a client that pages by offset asks for them."""
    rows, started = 0, time.perf_counter()
    while True:
        page = await store.read(list_calls(BIG, ListQuery(limit=1_000, offset=rows, snapshot=snapshot)))
        if not page.records:
            break
        rows += page.records.count(SEPARATOR) + 1
    assert rows == page.total
    return _rate("export by pages of 1,000 of a snapshot, in process", rows, started, _EXPORT_PER_S)


async def _stream(store: Store, name: str, wish_per_s: int | None) -> Row:
    query = first_chunk_query(ListQuery(), None)
    first = await store.read(list_calls(BIG, query), long=True)
    window = CallWindow(store, BIG, query, first)
    writer, sent, started = new_writer(FORMATS[name]), 0, time.perf_counter()
    sent += len(writer.begin())
    # In threads, as the service does it.
    async for records in window.chunks(FORMATS[name].chunk_bytes):
        sent += len(await asyncio.to_thread(writer.add, records))
    sent += len(await asyncio.to_thread(writer.end))
    assert sent
    return _rate(f"stream as {name}, in process", window.rows, started, wish_per_s)


def _rate(what: str, rows: int, started: float, wish_per_s: int | None) -> Row:
    per_s = rows / (time.perf_counter() - started)
    if wish_per_s is None:
        return context(what, f"{per_s:,.0f} rows/s", "-")
    against = f"the wish: {wish_per_s:,} rows/s"
    return at_least(what, f"{per_s:,.0f} rows/s", against, ratio=per_s / wish_per_s, limit=Limit(1))
