"""Check of the quality roll-ups against the calls: part of invariant 6."""

from typing import Final

from calltally.calls.measures import COLUMNS
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.analytics.quality_query import sums_of
from calltally.store.analytics.quality_repair import quality_differences, stale_calls
from calltally.store.db.operation import Row, StoreOperation
from calltally.store.rollups.quality_delta import DAY, FINE_DAY, FINE_KEYS, HOUR, RowDelta, RowId
from calltally.store.rollups.quality_multiday import (
    DAY_S,
    LAYERS,
    PERIOD_S,
    BlockLayer,
    DayBlock,
    closed_days,
    is_complete,
)
from calltally.store.rollups.quality_windows import RollupRange
from calltally.store.verify.revisions import CheckResult, InvariantFinding, measures_of

_INVARIANT: Final = 6
_GRAINS: Final = {DAY: "day", HOUR: "hour", FINE_DAY: "day in detail"}


def check_measured(tenant: str) -> StoreOperation[CheckResult]:
    """Check that every call is measured at its current revision."""
    stale = yield from stale_calls(tenant)
    detail = f"{stale} calls that an older release wrote are not measured; run `calltally migrate`"
    return CheckResult(0, [InvariantFinding(_INVARIANT, measures_of(tenant), detail)] if stale else [], None)


def check_quality(tenant: str, day_s: int) -> StoreOperation[CheckResult]:
    """Check that the roll-ups of a day equal its calls, including erased calls."""
    found = yield from quality_differences(tenant, day_s)
    findings = [_finding(row, found.missing[row]) for row in sorted(found.missing)]
    return CheckResult(found.calls_read, findings, None)


def check_blocks(tenant: str, period_s: int) -> StoreOperation[CheckResult]:
    """Check that the valid blocks of a period equal the sums of their parts."""
    closed = yield from closed_days(tenant, period_s, period_s + PERIOD_S)
    findings: list[InvariantFinding] = []
    for layer in LAYERS:
        for block in layer.blocks:
            whole = [
                lo_s
                for lo_s in range(period_s, period_s + PERIOD_S, block.width_s)
                if is_complete(closed, lo_s, block.width_s)
            ]
            wrong = (yield from _wrong_blocks(tenant, layer, block, whole)) if whole else []
            for lo_s in wrong:
                span = f"{block.width_s // DAY_S} days from {_when(lo_s)}, grain {block.grain}"
                subject = f"quality of {tenant}, {span}"
                findings.append(InvariantFinding(_INVARIANT, subject, "it is not the sum of its days"))
    return CheckResult(0, findings, None)


def _wrong_blocks(
    tenant: str, layer: BlockLayer, block: DayBlock, whole: list[int]
) -> StoreOperation[list[int]]:
    sources = [RollupRange(block.made_of, lo_s, lo_s + block.width_s, at) for at, lo_s in enumerate(whole)]
    blocks = [RollupRange(block.grain, lo_s, lo_s + 1, at) for at, lo_s in enumerate(whole)]
    expected = _by_piece((yield from sums_of(tenant, sources, layer.keys)))
    found = _by_piece((yield from sums_of(tenant, blocks, layer.keys)))
    return [lo_s for at, lo_s in enumerate(whole) if expected.get(at) != found.get(at)]


def _by_piece(rows: list[Row]) -> dict[int, set[Row]]:
    by_piece: dict[int, set[Row]] = {}
    for row in rows:
        by_piece.setdefault(row[0], set()).add(row)
    return by_piece


def _finding(row: RowId, missing: RowDelta) -> InvariantFinding:
    tenant, grain, bucket_s, _key = row
    when = f"{_GRAINS.get(grain, 'hour in detail')} {_when(bucket_s)}"
    keys = ", ".join(f"{name} {value}" for name, value in zip(FINE_KEYS, missing.keys, strict=True) if value)
    counted = [f"{n:+d} {name}" for name, n in zip(COLUMNS, missing.counts, strict=True) if n]
    counted += ["a change of its histograms"] if missing.bins else []
    return InvariantFinding(
        _INVARIANT, f"quality of {tenant}, {when}, {keys or 'no key'}", f"it lacks {', '.join(counted)}"
    )


def _when(second: int) -> str:
    """Return a time as text; a damaged one outside the calendar as seconds."""
    try:
        return utc_text(second * SECOND_US)
    except OverflowError:
        return f"{second} s since 1970"
