"""Whether readings of a slice agree, and what those that do not got wrong.

A page by offset is right only while nothing before it comes or goes. Whoever reads a list that moved sees a
call twice, or never sees it, and no page says so. Two readings with their pages cut at different places show
it.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.client.exporting.pages import Glimpse
from calltally.external_sort import Spill

REPEAT: Final = "repeat"
HOLE: Final = "hole"
GONE: Final = "gone"
_MEMORY_BYTES: Final = 32 * 1024 * 1024
_glimpse: Final = msgspec.json.Decoder(Glimpse)


class Finding(msgspec.Struct, frozen=True):
    """Something that a reading got wrong. `reading` counts from 1; `slice` from 0, in the order of time.

    - `repeat`: a call that came more than once.
    - `hole`: a call that it did not tell and the last one did: passed over, or come meanwhile.
    - `gone`: a call that it told and the last one did not: gone, or moved to another time meanwhile.
    """

    kind: str
    id: str
    slice: int
    reading: int


class Sets(NamedTuple):
    """Two readings compared as sets of calls."""

    is_same: bool
    has_lost: bool


def compare(one: Path, other: Path) -> Sets:
    """How the second reading differs from the first; a call that came twice in one of them differs too."""
    is_same, has_lost = True, False
    for _, found in _grouped([one, other]):
        counts = [found.count(reading) for reading in (0, 1)]
        is_same = is_same and counts == [1, 1]
        has_lost = has_lost or not counts[1]
    return Sets(is_same, has_lost)


def findings(number: int, readings: Sequence[Path]) -> Iterator[Finding]:
    """What the readings of slice `number` got wrong, taking the last for right, in the order of the ids."""
    last = len(readings) - 1
    for call_id, found in _grouped(readings):
        for reading in range(len(readings)):
            times = found.count(reading)
            kind = REPEAT if times > 1 else HOLE if not times and last in found else ""
            kind = GONE if times and last not in found and not kind else kind
            if kind:
                yield Finding(kind, call_id, number, reading + 1)


def across(slices: Sequence[Path]) -> Iterator[tuple[str, list[int]]]:
    """Calls that stand in more than one slice, or twice in one, with the places of the slices."""
    for call_id, found in _grouped(slices):
        if len(found) > 1:
            yield call_id, found


def _grouped(readings: Sequence[Path]) -> Iterator[tuple[str, list[int]]]:
    """Each call of all readings, with the places of those that it is in. Memory is bounded."""
    with Spill(readings[0].parent if readings else None, _MEMORY_BYTES) as spill:
        for place, path in enumerate(readings):
            number = place.to_bytes(4, "big")
            for call_id in ids_of(path):
                spill.add(call_id.encode(), number)
        for key, pairs in groupby(spill.sorted(), key=itemgetter(0)):
            yield key.decode(), [int.from_bytes(number, "big") for _, number in pairs]


def ids_of(path: Path) -> Iterator[str]:
    """The ids of a reading, in its order."""
    with path.open("rb") as file:
        for line in file:
            yield _glimpse.decode(line).id
