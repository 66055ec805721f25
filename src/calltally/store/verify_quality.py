"""The check of the roll-ups of quality against the calls: a part of invariant 6."""

from typing import Final

from calltally.calls.measures import COLUMNS
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.quality import DAY, FINE_DAY, FINE_KEYS, HOUR, Delta, RowId
from calltally.store.quality_upkeep import differing, stale_calls
from calltally.store.steps import Step
from calltally.store.verify import Checked, Finding, measures_of

_INVARIANT: Final = 6
_GRAINS: Final = {DAY: "day", HOUR: "hour", FINE_DAY: "day in detail"}


def check_measured(tenant: str) -> Step[Checked]:
    """Every call is measured, and as it is now."""
    stale = yield from stale_calls(tenant)
    detail = f"{stale} calls that an older release wrote are not measured; run `calltally migrate`"
    return Checked(0, [Finding(_INVARIANT, measures_of(tenant), detail)] if stale else [], None)


def check_quality(tenant: str, day_s: int) -> Step[Checked]:
    """The roll-ups of one day equal its calls, erased ones included."""
    found = yield from differing(tenant, day_s)
    findings = [_finding(row, found.lacking[row]) for row in sorted(found.lacking)]
    return Checked(found.looked_at, findings, None)


def _finding(row: RowId, lacking: Delta) -> Finding:
    tenant, grain, bucket_s, _key = row
    when = f"{_GRAINS.get(grain, 'hour in detail')} {utc_text(bucket_s * SECOND_US)}"
    whose = ", ".join(f"{name} {value}" for name, value in zip(FINE_KEYS, lacking.keys, strict=True) if value)
    counted = [f"{n:+d} {name}" for name, n in zip(COLUMNS, lacking.counts, strict=True) if n]
    counted += ["a change of its histograms"] if lacking.bins else []
    return Finding(
        _INVARIANT, f"quality of {tenant}, {when}, {whose or 'no key'}", f"it lacks {', '.join(counted)}"
    )
