"""The same file served by Datasette."""

from itertools import repeat
from statistics import median
from typing import Final
from urllib.parse import urlencode

from bench.client import get, load
from bench.dataset import Dataset
from bench.lab import Lab
from bench.processes import Server, datasette, need, service
from bench.rows.pages import page_path
from bench.table import Limit, Row, at_least, pro_rata
from bench.traffic import BIG, calls_of

_ROUNDS: Final = 5
_FIRST_TIMES: Final = 8
_DEEP_TIMES: Final = 200
_AT_OFFSET: Final = 2_000_000
_COLUMNS: Final = (
    "call_sid",
    "created_us",
    "status",
    "direction",
    "route",
    "agent",
    "from_number",
    "to_number",
)
# Its count and facets are switched off: ours has the exact total, so this is in its favour.
_FIRST: Final = "/calltally/calls.json?" + urlencode(
    [
        *(("_col", column) for column in _COLUMNS),
        *(("tenant", BIG), ("_sort_desc", "created_us"), ("_size", "25")),
        *(("_shape", "objects"), ("_nocount", "1"), ("_nofacet", "1")),
    ]
)


def _deep(offset: int) -> str:
    of_tenant = f"SELECT {', '.join(_COLUMNS)} FROM calls WHERE tenant = '{BIG}'"
    sql = f"{of_tenant} ORDER BY created_us DESC LIMIT 25 OFFSET {offset}"
    return "/calltally.json?" + urlencode({"sql": sql, "_shape": "array"})


async def against_datasette(lab: Lab) -> list[Row]:
    """Page 1 by its table page, a deep page by SQL (its own pages lead on from one another only)."""
    need("datasette")
    dataset = await lab.dataset()
    offset = min(_AT_OFFSET, calls_of(lab.size, BIG) - 25)
    ours_deep = page_path(25, offset)
    async with (
        service(dataset.url, probe=page_path(25), key=dataset.key) as ours,
        datasette(dataset.path, probe=_FIRST) as theirs,
    ):
        servers = (ours, theirs)
        first = await _rates(servers, dataset, (page_path(25), _FIRST), (300, 40))
        deep = await _rates(servers, dataset, (ours_deep, _deep(offset)), (300, 8))
    limit = pro_rata(_DEEP_TIMES, offset, _AT_OFFSET, "offset 2 M")
    return [
        _row("page of 25, first", first, limit=Limit(_FIRST_TIMES)),
        _row(f"page of 25 at offset {offset:,}", deep, limit=limit),
    ]


def _row(what: str, rates: list[float], *, limit: Limit) -> Row:
    ours, theirs = rates
    against = f"Datasette, same file: {theirs:,.1f}/s"
    return at_least(what, f"{ours:,.0f} requests/s", against, ratio=ours / theirs, limit=limit)


async def _rates(
    servers: tuple[Server, Server], dataset: Dataset, paths: tuple[str, str], requests: tuple[int, int]
) -> list[float]:
    """Median requests a second of each server, in turn."""
    rates: list[list[float]] = [[], []]
    for number in range(_ROUNDS):
        for server, path, count, taken in zip(servers, paths, requests, rates, strict=True):
            same = repeat(get(path, server.port, dataset.key), count if number else 5)
            done = await load(server.port, server.pid, same)
            if number:
                taken.append(done.per_s)
    return [median(taken) for taken in rates]
