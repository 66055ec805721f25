"""Buckets of time with their counts, and the choice of the buckets that hold a page."""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

# From (us), to (us), width (s), calls of the filter, calls of the facet, and the last revision that changed
# the bucket (as of an older revision: 1 if a later one changed it). Rows as the database returns them: named
# fields would double the cost of a page.
Bucket: TypeAlias = tuple[int, int, int, int, int, int]
MATCHES: Final = 3


class Run(NamedTuple):
    """Adjacent buckets that are read together; `touched` is 1 if their calls changed since the revision."""

    lo_us: int
    hi_us: int
    matches: int
    touched: int


def cover(buckets: Sequence[Bucket], offset: int, limit: int) -> tuple[list[Bucket], int]:
    """Return the buckets with the rows from `offset` on, and the rows to skip in the first."""
    chosen: list[Bucket] = []
    skip, covered = offset, 0
    for bucket in buckets:
        matches = bucket[MATCHES]
        if not chosen and skip >= matches:
            skip -= matches
            continue
        chosen.append(bucket)
        covered += matches
        if covered >= skip + limit:
            break
    return chosen, skip


def runs_of(chosen: Sequence[Bucket], *, descending: bool) -> list[Run]:
    """Join adjacent buckets with the same `touched`."""
    runs: list[Run] = []
    for lo_us, hi_us, _width_s, matches, _calls, touched in chosen:
        last = runs[-1] if runs and runs[-1].touched == touched else None
        if last and descending and last.lo_us == hi_us:
            runs[-1] = Run(lo_us, last.hi_us, last.matches + matches, touched)
        elif last and not descending and last.hi_us == lo_us:
            runs[-1] = Run(last.lo_us, hi_us, last.matches + matches, touched)
        else:
            runs.append(Run(lo_us, hi_us, matches, touched))
    return runs
