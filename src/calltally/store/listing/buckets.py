"""Buckets: stretches of time with how many calls they hold, and which of several hold a page."""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

# A stretch of time: from (us), to (us), width (s), how many calls of the filter it holds, how many calls
# of the facet, and the revision that touched it last (of the past: whether any did since). Rows just
# as the database gives them: to name their parts doubles the price of a page.
Bucket: TypeAlias = tuple[int, int, int, int, int, int]
MATCHES: Final = 3


class Run(NamedTuple):
    """Neighbouring buckets that are read together; `touched` says whether calls of theirs moved meanwhile."""

    lo_us: int
    hi_us: int
    matches: int
    touched: int


def cover(buckets: Sequence[Bucket], offset: int, limit: int) -> tuple[list[Bucket], int]:
    """The buckets that hold the rows from `offset` on, and how many rows of the first come before."""
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
    """Neighbours together, as far as they were touched alike."""
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
