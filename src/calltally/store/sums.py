"""What new calls add to the counters, steps and roll-ups, added up before they are known as new.

It is most of what a commit of many calls has to work out for itself; so whoever prepares them does that too.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from calltally.calls.five_minutes import Counted
from calltally.store.alert_steps import StepDeltas, Times
from calltally.store.counts import Deltas, Hours, Minutes, Place
from calltally.store.quality import QualityDeltas, Tallies

# One call: where it stands, where it counts for alerts, and its measures.
Adding: TypeAlias = tuple[Place, tuple[Counted, ...], bytes]


class Sums(msgspec.Struct, array_like=True, frozen=True):
    """What calls add up to: as `Deltas` has it, `StepDeltas` and `QualityDeltas`."""

    minutes: Minutes
    hours: Hours
    times: Times
    tallies: Tallies


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
