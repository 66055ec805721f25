"""Thirty days of rates, by route and by finer keys: from the roll-ups, and by GROUP BY over the calls."""

from typing import Final

from bench.lab import Lab
from bench.table import Row, at_least, pro_rata, within
from bench.timing import MS_PER_S, Timed, interleaved, wall_us
from bench.traffic import BIG, START_US
from calltally.analytics.measurement import measure, window_of
from calltally.analytics.query import QualityQuery
from calltally.calls.filters import CallFilter
from calltally.calls.times import DAY_US
from calltally.store.backends.open import open_store
from calltally.store.backends.sqlite.connection import connect
from calltally.store.db.interface import Store

_ROUNDS: Final = 20
_TIMES: Final = 100
_AT_CALLS: Final = 10_000_000
_TO_US: Final = START_US + 90 * DAY_US
_FROM_US: Final = _TO_US - 30 * DAY_US
_WINDOW: Final = CallFilter(from_us=_FROM_US, to_us=_TO_US)
_FINE_MS: Final = 50
_COARSE_MS: Final = 5
# Counts alone, and from the index alone: what is least that rates can be made of.
_GROUPED: Final = (
    "SELECT route, status, count(*) FROM calls INDEXED BY calls_listed"
    " WHERE tenant = ? AND created_us >= ? AND created_us < ? GROUP BY route, status"
)


async def rates(lab: Lab) -> list[Row]:
    """By route against the rows, and by keys that only the finest grain knows."""
    dataset = await lab.dataset()
    store = open_store(dataset.url, wall_us)
    connection = connect(dataset.path)

    async def grouped() -> None:
        assert connection.execute(_GROUPED, (BIG, _FROM_US, _TO_US)).fetchall()

    try:
        by_route = rates_reader(store, "route")
        finer = rates_reader(store, "agent", "provider_account", "country")
        ours, theirs = await interleaved(by_route, grouped, rounds=_ROUNDS)
        (fine,) = await interleaved(finer, rounds=_ROUNDS)
    finally:
        connection.close()
        await store.close()
    return [
        at_least(
            "30 days of rates by route",
            f"{ours * MS_PER_S:.2f} ms",
            f"GROUP BY over the calls: {theirs * MS_PER_S:,.1f} ms",
            ratio=theirs / ours,
            limit=pro_rata(_TIMES, lab.size, _AT_CALLS, "10 M"),
        ),
        _limit("the same, in all", ours, _COARSE_MS),
        _limit("30 days of rates by agent, account and country", fine, _FINE_MS),
    ]


def rates_reader(store: Store, *keys: str) -> Timed:
    """Asks for 30 days of rates by those keys."""
    query = QualityQuery(_WINDOW, keys=keys, percentiles=False)
    window = window_of(query, _TO_US)

    async def send() -> None:
        measured = await store.read(measure(BIG, query, window))
        assert measured.groups

    return send


def _limit(what: str, seconds: float, most_ms: int) -> Row:
    found_ms = seconds * MS_PER_S
    return within(what, f"{found_ms:.2f} ms", target=f"at most {most_ms} ms", met=found_ms <= most_ms)
