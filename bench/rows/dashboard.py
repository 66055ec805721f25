"""The pages for people: how long the server takes for each over HTTP, one request after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection
from itertools import count, islice, product
from statistics import median
from typing import Final
from urllib.parse import urlencode

from bench.client import Load, get, load
from bench.dataset import SEED, Dataset
from bench.lab import Lab
from bench.processes import Server, service
from bench.rows.pages import page_path
from bench.rows.seeking import offsets_of
from bench.table import Row, context, micros, within
from bench.timing import percentile
from bench.traffic import BIG, END_US, START_US, history, own_number
from calltally.calls.times import DAY_US, utc_text

Rendering = Callable[[], str]

_LIMIT_S: Final = 0.05
_SHARE: Final = 0.95
_REQUESTS: Final = 43
# What is loaded by the first of a kind is not its own.
_FIRST: Final = 3
# Processes that make a page for the first time.
_STARTS: Final = 7
_PAGE: Final = 25
# A browser says this of a form that is on a page of ours.
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
_MONTH_US: Final = 30 * DAY_US
_WEEK_US: Final = 7 * DAY_US


async def dashboard(lab: Lab) -> list[Row]:
    """Each page's p95, and how long one waits for it."""
    dataset = await lab.dataset()
    async with service(dataset.url, probe=page_path(1), key=dataset.key) as server:
        cookie = signed_in(server, dataset.key)
        pages = [await measured_page(server, cookie, name, draw) for name, draw in _pages(dataset).items()]
        counts = [await _counted(server, cookie, name, draw) for name, draw in _counts().items()]
    return [*pages, await _first_look(dataset), *counts]


async def _first_look(dataset: Dataset) -> Row:
    """The dearest page where nobody has looked yet: of processes that have made one like it, and no more."""
    like_it, page = (_path_of("/quality", **span, step="hour") for span in (_first_day(), _last(_WEEK_US)))
    taken = []
    for _ in range(_STARTS):
        async with service(dataset.url, probe=page_path(1), key=dataset.key) as server:
            cookie = signed_in(server, dataset.key)
            await _once(server, cookie, like_it)
            taken.append(await _once(server, cookie, page))
    return _page_row("quality, 7 days by the hour, at the first look", taken)


def _counts() -> Mapping[str, Rendering]:
    """Measure the totals that a page loads later. They are cached, so each request differs."""
    spellings = map("".join, product(*((each, each.upper()) for each in "invoice")))
    later_us = count(START_US)
    return {
        "of that number": lambda: _path_of(
            "/calls-count", number=own_number(BIG, 1), **{"from": utc_text(next(later_us))}
        ),
        "of that word": lambda: _path_of("/calls-count", q=next(spellings)),
    }


def _pages(dataset: Dataset) -> Mapping[str, Rendering]:
    """The pages by what they are, each with what draws the next address."""
    offset, sids = offsets_of(dataset.calls), _sids(dataset)
    endings = (f"{number:04}" for number in count(17, 97))
    return {
        "the list": lambda: "/calls",
        "the list, anywhere": lambda: f"/calls?page={offset() // _PAGE + 1}",
        "the list, 1,000 rows": lambda: "/calls?limit=1000",
        "the list, of a status and direction": lambda: "/calls?status=failed&direction=outbound",
        "the list, of a status and route": lambda: "/calls?status=failed&route=route-1",
        "the list, of a number that one call in four has": lambda: _path_of(
            "/calls", number=own_number(BIG, 1)
        ),
        "the same, 1,000 rows": lambda: _path_of("/calls", number=own_number(BIG, 1), limit="1000"),
        "the list, by a word that one call in four has": lambda: "/calls?q=invoice",
        "the same word, 1,000 rows": lambda: "/calls?q=invoice&limit=1000",
        "the list, by a word that is only begun": lambda: "/calls?q=invo*",
        "the list, by a word that no call has": lambda: "/calls?q=zebra",
        "the list, by four last digits": lambda: _path_of("/calls", number=next(endings)),
        "the list, by four last digits that one call in four has": lambda: _path_of(
            "/calls", number=own_number(BIG, 1)[-4:]
        ),
        "the list, by seven last digits": lambda: _path_of("/calls", number=f"555{next(endings)}"),
        "the list, by the beginning of a SID": lambda: _path_of("/calls", call_sid_prefix=next(sids)[:10]),
        "one call": lambda: f"/calls/{next(sids)}",
        "quality, 30 days": lambda: _path_of("/quality", **_last(_MONTH_US), step="day"),
        "quality, 7 days by the hour": lambda: _path_of("/quality", **_last(_WEEK_US), step="hour"),
        "a launch": lambda: _path_of("/quality/launch", route="route-1", **_launched()),
        "alerts": lambda: "/alerts",
        "exports": lambda: "/exports",
        "reconciliations": lambda: "/reconciliations",
        "settings": lambda: "/settings",
    }


def _path_of(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode(parameters)}"


def _last(span_us: int) -> dict[str, str]:
    """The end of the data, which is no end of today."""
    return {"from": utc_text(END_US - span_us), "to": utc_text(END_US)}


def _first_day() -> dict[str, str]:
    return {"from": utc_text(START_US), "to": utc_text(START_US + DAY_US)}


def _launched() -> dict[str, str]:
    span = _last(_WEEK_US)
    return {"since": span["from"], "to": span["to"]}


def _sids(dataset: Dataset) -> Iterator[str]:
    """Calls of the tenant, from all over the data."""
    made = islice(history(dataset.calls, SEED), 0, None, max(dataset.calls // 1_000, 1))
    found = [each.sid for each in made if each.tenant == BIG]
    return (found[number % len(found)] for number in count())


def signed_in(server: Server, key: str) -> str:
    """The cookie of a session, as the form gives it."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/sign-in", urlencode({"key": key}), _FORM)
    answer = connection.getresponse()
    cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    connection.close()
    if not cookie:
        raise ValueError(f"signing in was answered {answer.status}")
    return cookie


async def measured_page(server: Server, cookie: str, name: str, draw: Rendering) -> Row:
    """One page's p95, and how long one waits for it."""
    return _page_row(name, await _taken(server, cookie, draw))


def _page_row(name: str, taken: Sequence[Load]) -> Row:
    p95 = percentile([each.cpu_seconds for each in taken], _SHARE)
    return within(
        f"page for people: {name}, p95",
        f"{micros(p95)} CPU",
        against=_by_the_clock(taken),
        target="under 50 ms",
        met=p95 < _LIMIT_S,
    )


async def _counted(server: Server, cookie: str, name: str, draw: Rendering) -> Row:
    taken = await _taken(server, cookie, draw)
    p95 = percentile([each.cpu_seconds for each in taken], _SHARE)
    return context(
        f"counting the calls {name}, behind its page, p95", f"{micros(p95)} CPU", _by_the_clock(taken)
    )


def _by_the_clock(taken: Sequence[Load]) -> str:
    return f"median by the clock: {micros(median(each.latencies[0] for each in taken))}"


async def _taken(server: Server, cookie: str, draw: Rendering) -> list[Load]:
    """Each request by itself, for the server's processor time: others use the machine too."""
    return [await _once(server, cookie, draw()) for _ in range(_REQUESTS)][_FIRST:]


async def _once(server: Server, cookie: str, path: str) -> Load:
    # As a browser asks: compressed, which is part of what the server does.
    headers = f"cookie: {cookie}\r\naccept-encoding: gzip, zstd\r\n\r\n".encode()
    request = get(path, server.port).removesuffix(b"\r\n") + headers
    return await load(server.port, server.pid, iter([request]), connections=1)
