"""What new calls add to the counters, steps and roll-ups, added up before they are known as new.

It is most of what a commit of many calls has to work out for itself; so whoever prepares them does that too.
"""

from collections.abc import Mapping, Sequence
from operator import sub
from typing import Final, TypeAlias, TypeVar

import msgspec

from calltally.calls.alert_counts import Counted
from calltally.store.rollups.alert_steps import StepDeltas, Times
from calltally.store.rollups.call_counters import Deltas, Hours, Minutes, Place
from calltally.store.rollups.quality_delta import Tally
from calltally.store.rollups.quality_rows import QualityDeltas, Tallies

K = TypeVar("K")

# One call: where it stands, where it counts for alerts, and its measures.
Adding: TypeAlias = tuple[Place, tuple[Counted, ...], bytes]


class Sums(msgspec.Struct, array_like=True, frozen=True):
    """What calls add up to: as `Deltas` has it, `StepDeltas` and `QualityDeltas`."""

    minutes: Minutes
    hours: Hours
    times: Times
    tallies: Tallies


NOTHING: Final = Sums({}, {}, {}, {})


def sums_of(adding: Sequence[Adding]) -> Sums:
    """What these calls add, each of which is new; kind by kind, for the sake of the processor's caches."""
    deltas, steps, quality = Deltas(), StepDeltas(), QualityDeltas()
    for place, _counted, _measured in adding:
        deltas.add(place, 1)
    for place, counted, _measured in adding:
        steps.move(place.tenant, (), counted)
    for place, _counted, measured in adding:
        quality.add(place, measured)
    return Sums(deltas.minutes, deltas.hours, steps.times, quality.tallies)


def without(sums: Sums, adding: Sequence[Adding]) -> Sums:
    """What is left without some of the calls: exactly what the others add up to."""
    gone = sums_of(adding)
    times = ((whose, _less(each, gone.times.get(whose, {}))) for whose, each in sums.times.items())
    tallies = ((where, _tally_less(each, gone.tallies.get(where))) for where, each in sums.tallies.items())
    return Sums(
        _less(sums.minutes, gone.minutes),
        _less(sums.hours, gone.hours),
        {whose: left for whose, left in times if left},
        {where: left for where, left in tallies if left.marks},
    )


def _less(counts: Mapping[K, int], gone: Mapping[K, int]) -> dict[K, int]:
    """Where nothing is left there is no count: a row that is written tells snapshots that it was touched."""
    return {key: left for key, count in counts.items() if (left := count - gone.get(key, 0))}


def _tally_less(tally: Tally, gone: Tally | None) -> Tally:
    if gone is None:
        return tally
    sums = list(map(sub, tally.sums, gone.sums))
    return Tally(_less(tally.marks, gone.marks), sums, _less(tally.bins, gone.bins))
