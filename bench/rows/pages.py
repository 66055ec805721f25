"""The first page over HTTP, by the server's processor time: against floors, and the usual template."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import repeat
from statistics import median
from typing import Final

from bench.apps.answers import Answer, write_answer
from bench.apps.template_rows import write_template_rows
from bench.client import Load, get, load
from bench.dataset import Dataset
from bench.lab import Lab
from bench.processes import Server, application, need, service
from bench.rows.seeking import ANY_OFFSET_LIMIT, offsets_of
from bench.table import Limit, Row, at_least, at_most, context, micros
from bench.traffic import BIG
from calltally.net import HttpClient
from calltally.store.tenants.api_keys import digest_of_key

_ROUNDS: Final = 7
_SMALL_LIMIT: Final = 2.5
_LARGE_LIMIT: Final = 5.0
_LOG_LIMIT: Final = 1.03
_TEMPLATE_TIMES: Final = 10.0
# The server sets these itself, for the floor as for us.
_SERVERS_OWN: Final = frozenset({"date", "content-length", "content-type", "server"})


def page_path(limit: int, offset: int = 0) -> str:
    """A page of the list."""
    return f"/api/v1/call-logs?limit={limit}&offset={offset}"


async def small_page(lab: Lab) -> list[Row]:
    """A page of 25."""
    dataset = await lab.dataset()
    ours, floor, asgi = await _against_floors(lab, dataset, 25, min(600, lab.size // 10))
    return _floor_rows("page of 25, first", ours, floor, asgi, limit=_SMALL_LIMIT)


async def large_page(lab: Lab) -> list[Row]:
    """A page of 1,000."""
    dataset = await lab.dataset()
    ours, floor, asgi = await _against_floors(lab, dataset, 1_000, 100)
    return _floor_rows("page of 1,000, first", ours, floor, asgi, limit=_LARGE_LIMIT)


def _floor_rows(what: str, ours: float, floor: float, asgi: float, *, limit: float) -> list[Row]:
    text = f"{micros(ours)} CPU"
    against = f"the framework's constant: {micros(floor)}"
    without = f"a constant without framework: {micros(asgi)}"
    return [
        at_most(what, text, against, ratio=ours / floor, limit=limit),
        context(what, text, without, f"{ours / asgi:.2f}x"),
    ]


async def _against_floors(lab: Lab, dataset: Dataset, limit: int, requests: int) -> list[float]:
    """Median processor seconds a request of ours and of the two floors."""
    path = page_path(limit)
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(service(dataset.url, probe=path, key=dataset.key))
        answer = write_answer(lab.new_folder() / "answer", _answer_of(ours, path, dataset.key))
        floors = [
            await stack.enter_async_context(application(name, answer, probe=path, key=dataset.key))
            for name in ("floor", "asgi_floor")
        ]
        loads = await alternate([ours, *floors], path, dataset.key, requests=requests)
    return [median(each.cpu_each for each in taken) for taken in loads]


def _answer_of(server: Server, path: str, key: str) -> Answer:
    with HttpClient() as client:
        answer = client.get(
            f"http://127.0.0.1:{server.port}{path}",
            {"authorization": f"Bearer {key}", "accept-encoding": "identity"},
        )
    headers = {name: value for name, value in answer.headers.items() if name not in _SERVERS_OWN}
    return Answer(answer.body, headers, digest_of_key(key))


async def alternate(
    servers: list[Server], path: str, key: str, *, requests: int, rounds: int = _ROUNDS
) -> list[list[Load]]:
    """The same requests to each server in turn, round after round (and one before that does not count)."""
    taken: list[list[Load]] = [[] for _ in servers]
    for number in range(rounds + 1):
        for server, loads in zip(servers, taken, strict=True):
            same = repeat(get(path, server.port, key), requests)
            done = await load(server.port, server.pid, same)
            if number:
                loads.append(done)
    return taken


async def any_page(lab: Lab) -> list[Row]:
    """A page of 25 anywhere, as a client gets it, against the first; both of the same server."""
    dataset = await lab.dataset()
    draw, requests = offsets_of(lab.size), min(600, lab.size // 10)
    async with service(dataset.url, probe=page_path(25), key=dataset.key) as server:
        paths = [[page_path(25, draw()) for _ in range(requests)], [page_path(25)] * requests]
        sent = [[get(path, server.port, dataset.key) for path in same] for same in paths]
        anywhere, first = await alternated([(server, same) for same in sent])
    what, against = "page of 25 at any offset, over HTTP", f"its first page: {micros(first)}"
    return [at_most(what, f"{micros(anywhere)} CPU", against, ratio=anywhere / first, limit=ANY_OFFSET_LIMIT)]


async def alternated(sent: Sequence[tuple[Server, Sequence[bytes]]]) -> list[float]:
    """Median processor seconds a request, of each server with its own requests."""
    taken: list[list[float]] = [[] for _ in sent]
    for _ in range(_ROUNDS):
        for (server, same), costs in zip(sent, taken, strict=True):
            costs.append((await load(server.port, server.pid, iter(same))).cpu_each)
    return list(map(median, taken))


async def access_lines(lab: Lab) -> list[Row]:
    """A page of 25 with its access line in the log, against one without; the servers take turns."""
    dataset, path = await lab.dataset(), page_path(25)
    taken: dict[str, list[float]] = {"info": [], "error": []}
    for _ in range(_ROUNDS):
        for level, costs in taken.items():
            async with service(dataset.url, probe=path, key=dataset.key, more={"LOG_LEVEL": level}) as server:
                loads = await alternate([server], path, dataset.key, requests=600, rounds=3)
            costs.append(min(each.cpu_each for each in loads[0]))
    ours, without = [median(costs) for costs in taken.values()]
    text, against = f"{micros(ours)} CPU", f"without access lines: {micros(without)}"
    return [at_most("page of 25 with its access line", text, against, ratio=ours / without, limit=_LOG_LIMIT)]


async def template(lab: Lab) -> list[Row]:
    """A page of 1,000 against FastAPI, SQLAlchemy async and pydantic."""
    need("fastapi", "aiosqlite", "greenlet")
    dataset = await lab.dataset()
    async with _against_template(lab, dataset) as servers:
        loads = await alternate(servers, page_path(1_000), dataset.key, requests=30, rounds=5)
    ours, theirs = [median(each.per_s for each in taken) for taken in loads]
    return [
        at_least(
            "page of 1,000, first",
            f"{ours:,.0f} requests/s",
            f"FastAPI, SQLAlchemy, pydantic: {theirs:,.1f}/s",
            ratio=ours / theirs,
            limit=Limit(_TEMPLATE_TIMES),
        )
    ]


@asynccontextmanager
async def _against_template(lab: Lab, dataset: Dataset) -> AsyncIterator[list[Server]]:
    environment = write_template_rows(dataset.path, BIG, lab.new_folder() / "template.db")
    path = page_path(1_000)
    async with (
        service(dataset.url, probe=path, key=dataset.key) as ours,
        application("template", environment, probe=path, key=dataset.key) as theirs,
    ):
        yield [ours, theirs]
