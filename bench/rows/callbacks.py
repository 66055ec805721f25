"""Signed callbacks over HTTP at 64 connections, and what reading is like meanwhile."""

import asyncio
from collections.abc import Iterator
from itertools import islice, repeat, takewhile
from statistics import median
from typing import Final, NamedTuple

from bench.client import Load, get, load
from bench.dataset import Dataset
from bench.lab import Lab
from bench.live import Message, messages, request
from bench.processes import Server, application, service
from bench.rows.pages import page_path
from bench.table import Limit, Row, at_least, context, within
from bench.timing import MS_PER_S, US_PER_S, percentile

_ROUNDS: Final = 3
_CONNECTIONS: Final = 64
_SHARE: Final = 0.3
_LEAST_PER_S: Final = 2_500
_MOST_P99_MS: Final = 25
_MOST_READ_P99_MS: Final = 10
_READ_PAUSE_S: Final = 0.004
_QUIET_READS: Final = 300


class _Taken(NamedTuple):
    """All rounds: callbacks of ours and of the floor's, pages during the former, pages without."""

    ours: list[Load]
    floor: list[Load]
    reads: list[float]
    quiet: list[float]


async def callbacks(lab: Lab) -> list[Row]:
    """Ours and a handler that only verifies, in turn; a reader asks for first pages throughout ours."""
    copied = await lab.copy()
    many = max(1_000, min(8_000, lab.size // 4))
    try:
        async with (
            service(copied.url, probe=page_path(25), key=copied.key) as ours,
            application("verify_only", {}) as floor,
        ):
            taken = await _alternate(copied, ours, floor, many)
    finally:
        lab.drop(copied)
    return _rows(taken)


async def _alternate(dataset: Dataset, ours: Server, floor: Server, many: int) -> _Taken:
    stream = messages(seed=23)
    taken = _Taken([], [], [], [])
    quiet = repeat(get(page_path(25), ours.port, dataset.key), _QUIET_READS)
    done = await load(ours.port, ours.pid, quiet, connections=1, pause_s=_READ_PAUSE_S)
    taken.quiet.extend(done.latencies)
    for number in range(_ROUNDS + 1):
        same = list(islice(stream, many))
        loaded, reads = await _with_reader(dataset, ours, same)
        verified = await _callbacks(floor, same)
        if number:
            taken.ours.append(loaded)
            taken.floor.append(verified)
            taken.reads.extend(reads.latencies)
    return taken


async def _callbacks(server: Server, same: list[Message]) -> Load:
    requests = [request(message, server.port) for message in same]
    return await load(server.port, server.pid, iter(requests), connections=_CONNECTIONS)


async def _with_reader(dataset: Dataset, ours: Server, same: list[Message]) -> tuple[Load, Load]:
    writing = asyncio.create_task(_callbacks(ours, same))
    pages: Iterator[bytes] = repeat(get(page_path(25), ours.port, dataset.key))
    until_done = takewhile(lambda _: not writing.done(), pages)
    reads = await load(ours.port, ours.pid, until_done, connections=1, pause_s=_READ_PAUSE_S)
    return await writing, reads


def _rows(taken: _Taken) -> list[Row]:
    ours, floor = (median(done.per_s for done in rounds) for rounds in (taken.ours, taken.floor))
    cpu, floor_cpu = (median(done.cpu_each for done in rounds) for rounds in (taken.ours, taken.floor))
    answering_us = median(done.answering_seconds / done.requests for done in taken.ours) * US_PER_S
    p99_ms = median(done.p99 for done in taken.ours) * MS_PER_S
    what = f"signed callbacks over HTTP, {_CONNECTIONS} connections"
    only = f"verifying alone: {floor:,.0f}/s"
    return [
        at_least(what, f"{ours:,.0f}/s", only, ratio=ours / floor, limit=Limit(_SHARE)),
        within(
            f"{what}, a process",
            f"{ours:,.0f}/s",
            target=f"at least {_LEAST_PER_S:,}/s",
            met=ours >= _LEAST_PER_S,
        ),
        within(
            f"{what}, p99",
            f"{p99_ms:.1f} ms",
            target=f"at most {_MOST_P99_MS} ms",
            met=p99_ms <= _MOST_P99_MS,
        ),
        context(
            f"{what}, CPU",
            f"{cpu * 1e6:,.0f} us",
            f"verifying alone: {floor_cpu * 1e6:,.0f} us",
            f"{cpu / floor_cpu:.2f}x",
        ),
        context(f"{what}, of it by the process that answers", f"{answering_us:,.0f} us", "-", "-"),
        _read_row(taken),
    ]


def _read_row(taken: _Taken) -> Row:
    p99_ms, quiet_ms = (percentile(taken_s, 0.99) * MS_PER_S for taken_s in (taken.reads, taken.quiet))
    return within(
        "first page during that load, p99",
        f"{p99_ms:.1f} ms",
        against=f"without load: {quiet_ms:.1f} ms",
        target=f"under {_MOST_READ_P99_MS} ms",
        met=p99_ms < _MOST_READ_P99_MS,
    )
