"""The check of the roll-ups of quality against the calls: a part of invariant 6."""

from typing import Final

from calltally.calls.measures import COLUMNS
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.analytics.quality_query import sums_of
from calltally.store.analytics.quality_repair import differing, stale_calls
from calltally.store.db.operation import Row, StoreOperation
from calltally.store.rollups.quality_delta import Delta
from calltally.store.rollups.quality_keys import DAY, FINE_DAY, FINE_KEYS, HOUR, RowId
from calltally.store.rollups.quality_multiday import (
    DAY_S,
    LAYERS,
    PERIOD_S,
    Block,
    Layer,
    closed_days,
    is_whole,
)
from calltally.store.rollups.quality_windows import Stretch
from calltally.store.verify.revisions import Checked, Finding, measures_of

_INVARIANT: Final = 6
_GRAINS: Final = {DAY: "day", HOUR: "hour", FINE_DAY: "day in detail"}


def check_measured(tenant: str) -> StoreOperation[Checked]:
    """Every call is measured, and as it is now."""
    stale = yield from stale_calls(tenant)
    detail = f"{stale} calls that an older release wrote are not measured; run `calltally migrate`"
    return Checked(0, [Finding(_INVARIANT, measures_of(tenant), detail)] if stale else [], None)


def check_quality(tenant: str, day_s: int) -> StoreOperation[Checked]:
    """The roll-ups of one day equal its calls, erased ones included."""
    found = yield from differing(tenant, day_s)
    findings = [_finding(row, found.lacking[row]) for row in sorted(found.lacking)]
    return Checked(found.looked_at, findings, None)


def check_blocks(tenant: str, period_s: int) -> StoreOperation[Checked]:
    """The blocks of a period that count equal what they are made of."""
    closed = yield from closed_days(tenant, period_s, period_s + PERIOD_S)
    findings: list[Finding] = []
    for layer in LAYERS:
        for block in layer.blocks:
            whole = [
                lo_s
                for lo_s in range(period_s, period_s + PERIOD_S, block.width_s)
                if is_whole(closed, lo_s, block.width_s)
            ]
            wrong = (yield from _wrong_blocks(tenant, layer, block, whole)) if whole else []
            findings += [_of_block(tenant, block, lo_s) for lo_s in wrong]
    return Checked(0, findings, None)


def _wrong_blocks(tenant: str, layer: Layer, block: Block, whole: list[int]) -> StoreOperation[list[int]]:
    parts = [Stretch(block.made_of, lo_s, lo_s + block.width_s, at) for at, lo_s in enumerate(whole)]
    blocks = [Stretch(block.grain, lo_s, lo_s + 1, at) for at, lo_s in enumerate(whole)]
    expected = _by_place((yield from sums_of(tenant, parts, layer.keys)))
    found = _by_place((yield from sums_of(tenant, blocks, layer.keys)))
    return [lo_s for at, lo_s in enumerate(whole) if expected.get(at) != found.get(at)]


def _by_place(rows: list[Row]) -> dict[int, set[Row]]:
    places: dict[int, set[Row]] = {}
    for row in rows:
        places.setdefault(row[0], set()).add(row)
    return places


def _of_block(tenant: str, block: Block, lo_s: int) -> Finding:
    days = block.width_s // DAY_S
    where = f"quality of {tenant}, {days} days from {_when(lo_s)}, grain {block.grain}"
    return Finding(_INVARIANT, where, "it is not the sum of its days")


def _finding(row: RowId, lacking: Delta) -> Finding:
    tenant, grain, bucket_s, _key = row
    when = f"{_GRAINS.get(grain, 'hour in detail')} {_when(bucket_s)}"
    whose = ", ".join(f"{name} {value}" for name, value in zip(FINE_KEYS, lacking.keys, strict=True) if value)
    counted = [f"{n:+d} {name}" for name, n in zip(COLUMNS, lacking.counts, strict=True) if n]
    counted += ["a change of its histograms"] if lacking.bins else []
    return Finding(
        _INVARIANT, f"quality of {tenant}, {when}, {whose or 'no key'}", f"it lacks {', '.join(counted)}"
    )


def _when(second: int) -> str:
    """As it is, where it is damaged to one that no calendar has."""
    try:
        return utc_text(second * SECOND_US)
    except OverflowError:
        return f"{second} s since 1970"
