"""Roll-ups of several days, made of days without further changes.

A query of thirty days adds up about eight rows of each kind of call instead of thirty. There are blocks of 2,
4, 8, 16 and 32 days, by three sets of keys: the keys of most queries, all keys, and all keys but the route,
because most detailed queries of a tenant with many routes do not need the route.

The ledger does not write blocks. A commit reopens the days that it changes, and a block is valid only while
all of its days are closed. A worker closes days: under the tenant's lock it sums each block that a day
completes again, from the two halves of the block.
"""

from collections.abc import Iterable, Sequence, Set
from typing import Final, NamedTuple

from calltally.calls.measures import COLUMNS
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Clauses, Statement, StatementMany, StoreOperation
from calltally.store.rollups.quality_delta import COARSE_KEYS, DAY, FINE_DAY, FINE_KEYS, WIDTH_S

DAY_S: Final = WIDTH_S[DAY]
# The widest block; it contains all others.
PERIOD_S: Final = 32 * DAY_S
# Delay from the end of a day to its closing: most late facts have arrived by then.
_CLOSED_AFTER_US: Final = 6 * 3_600 * SECOND_US
_UNROUTED_KEYS: Final = tuple(key for key in FINE_KEYS if key != "route")


class DayBlock(NamedTuple):
    """Roll-ups of a width, and the grain that they are made of."""

    grain: int
    width_s: int
    made_of: int


class BlockLayer(NamedTuple):
    """Blocks by the same keys, narrowest first, and the grain of their days."""

    keys: tuple[str, ...]
    day: int
    blocks: tuple[DayBlock, ...]


def _layer(keys: tuple[str, ...], day: int, first: int, days: Sequence[int]) -> BlockLayer:
    grains = [day, *range(first, first + len(days))]
    return BlockLayer(keys, day, tuple(map(DayBlock, grains[1:], (n * DAY_S for n in days), grains)))


BY_ROUTE: Final = _layer(COARSE_KEYS, DAY, 11, (2, 4, 8, 16, 32))
IN_DETAIL: Final = _layer(FINE_KEYS, FINE_DAY, 21, (2, 4, 8, 16, 32))
UNROUTED: Final = _layer(_UNROUTED_KEYS, FINE_DAY, 30, (1, 2, 4, 8, 16, 32))
LAYERS: Final = (BY_ROUTE, IN_DETAIL, UNROUTED)


def layer_of(keys: Set[str]) -> BlockLayer:
    """Return the layer with the fewest rows that has these keys."""
    suitable = (layer for layer in (BY_ROUTE, UNROUTED) if keys <= set(layer.keys))
    return next(suitable, IN_DETAIL)


def is_complete(closed: frozenset[int], lo_s: int, width_s: int) -> bool:
    """Return whether a block is valid: all of its days are closed."""
    return closed.issuperset(range(lo_s, lo_s + width_s, DAY_S))


def periods_of(days_s: Iterable[int]) -> list[int]:
    return sorted({day_s - day_s % PERIOD_S for day_s in days_s})


def closed_days(tenant: str, lo_s: int, hi_s: int) -> StoreOperation[frozenset[int]]:
    """Return the closed days of a span, in seconds since 1970."""
    rows = yield Statement("closed_quality_days", {"tenant": tenant, "lo_s": lo_s, "hi_s": hi_s})
    return frozenset(day_s for (day_s,) in rows)


def close_next_day(tenant: str, now_us: int) -> StoreOperation[int]:
    """Close the first day that ended some hours ago; return 1, or 0 if there is none."""
    yield StatementMany("lock_heads", [{"tenant": tenant}])
    day_s = yield from next_open_day(tenant, now_us)
    if day_s is None:
        return 0
    yield from close_day(tenant, day_s)
    return 1


def next_open_day(tenant: str, now_us: int) -> StoreOperation[int | None]:
    """Return the first day to close: in a period with calls, all days that have ended are closed."""
    before_s = (now_us - _CLOSED_AFTER_US) // SECOND_US // DAY_S * DAY_S
    from_s: int = 0
    while True:
        params = {"tenant": tenant, "grain": DAY, "from_s": from_s, "before_s": before_s}
        [(first_s,)] = yield Statement("next_day_of_quality", params)
        if first_s is None:
            return None
        period_s = first_s - first_s % PERIOD_S
        closed = yield from closed_days(tenant, period_s, period_s + PERIOD_S)
        wanted = range(period_s, min(period_s + PERIOD_S, before_s), DAY_S)
        if still_open := [day_s for day_s in wanted if day_s not in closed]:
            return int(still_open[0])
        from_s = period_s + PERIOD_S


def close_day(tenant: str, day_s: int) -> StoreOperation[None]:
    """Close a day, and sum the blocks that it completes. The tenant's head must be locked."""
    yield Statement("close_quality_day", {"tenant": tenant, "day_s": day_s})
    period_s = day_s - day_s % PERIOD_S
    closed = yield from closed_days(tenant, period_s, period_s + PERIOD_S)
    for layer in LAYERS:
        for block in layer.blocks:
            lo_s = day_s - day_s % block.width_s
            if not is_complete(closed, lo_s, block.width_s):
                break
            block_id = {"tenant": tenant, "grain": block.grain, "bucket_s": lo_s}
            yield Statement("drop_quality_block", block_id)
            source = {"made_of": block.made_of, "hi_s": lo_s + block.width_s}
            yield Statement("put_quality_block", block_id | source, _clauses(layer.keys))


def rebuild_blocks(tenant: str, period_s: int) -> StoreOperation[int]:
    """Sum all blocks of a period again; return the number of their days."""
    yield StatementMany("lock_heads", [{"tenant": tenant}])
    closed = yield from closed_days(tenant, period_s, period_s + PERIOD_S)
    yield StatementMany("open_quality_days", [{"tenant": tenant, "day_s": day_s} for day_s in sorted(closed)])
    for day_s in sorted(closed):
        yield from close_day(tenant, day_s)
    return len(closed)


def _clauses(keys: tuple[str, ...]) -> Clauses:
    values = {"direction": "0"}
    columns = (f"q.{key}" if key in keys else values.get(key, "''") for key in FINE_KEYS)
    return (
        ("keys", ", ".join(columns)),
        ("group", ", ".join(f"q.{key}" for key in keys)),
        ("columns", ", ".join(COLUMNS)),
        ("sums", ", ".join(f"CAST(sum(q.{name}) AS BIGINT)" for name in COLUMNS)),
    )
