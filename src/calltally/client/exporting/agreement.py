"""Comparison of the readings of a slice, and the drift between them.

A page by offset is correct only while no call before it comes or goes. A reader of a list that moved gets a
call twice, or never, and no page shows it. Two readings with different page boundaries show it.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.client.exporting.pages import CallFields
from calltally.external_sort import ExternalSorter

REPEAT: Final = "repeat"
HOLE: Final = "hole"
GONE: Final = "gone"
_MEMORY_BYTES: Final = 32 * 1024 * 1024
_fields_decoder: Final = msgspec.json.Decoder(CallFields)


class DriftFinding(msgspec.Struct, frozen=True):
    """One error of a reading. `reading` counts from 1, `slice` from 0 in the order of time.

    - `repeat`: a call that the reading contains more than once.
    - `hole`: a call that only the last reading contains, because it was skipped or is new.
    - `gone`: a call that the last reading does not contain, because it is gone or moved to another time.
    """

    kind: str
    id: str
    slice: int
    reading: int


class ReadingComparison(NamedTuple):
    """Result of the comparison of two readings as sets of calls."""

    is_same: bool
    has_lost: bool


def compare_readings(one: Path, other: Path) -> ReadingComparison:
    """Compare two readings. A call that one of them contains twice is a difference too."""
    is_same, has_lost = True, False
    for _, found in _readings_by_call([one, other]):
        counts = [found.count(reading) for reading in (0, 1)]
        is_same = is_same and counts == [1, 1]
        has_lost = has_lost or not counts[1]
    return ReadingComparison(is_same, has_lost)


def find_drift(number: int, readings: Sequence[Path]) -> Iterator[DriftFinding]:
    """Yield the errors of the readings of slice `number` against its last reading, in the order of ids."""
    last = len(readings) - 1
    for call_id, found in _readings_by_call(readings):
        for reading in range(len(readings)):
            times = found.count(reading)
            kind = REPEAT if times > 1 else HOLE if not times and last in found else ""
            kind = GONE if times and last not in found and not kind else kind
            if kind:
                yield DriftFinding(kind, call_id, number, reading + 1)


def find_duplicates(slices: Sequence[Path]) -> Iterator[tuple[str, list[int]]]:
    """Yield the calls in more than one slice, or twice in one, with the indexes of the slices."""
    for call_id, found in _readings_by_call(slices):
        if len(found) > 1:
            yield call_id, found


def _readings_by_call(readings: Sequence[Path]) -> Iterator[tuple[str, list[int]]]:
    """Yield each call of all readings with the indexes of its readings, in bounded memory."""
    with ExternalSorter(readings[0].parent if readings else None, _MEMORY_BYTES) as spill:
        for index, path in enumerate(readings):
            number = index.to_bytes(4, "big")
            for call_id in read_ids(path):
                spill.add(call_id.encode(), number)
        for key, pairs in groupby(spill.sorted(), key=itemgetter(0)):
            yield key.decode(), [int.from_bytes(number, "big") for _, number in pairs]


def read_ids(path: Path) -> Iterator[str]:
    """Yield the ids of a reading in its order."""
    with path.open("rb") as file:
        for line in file:
            yield _fields_decoder.decode(line).id
