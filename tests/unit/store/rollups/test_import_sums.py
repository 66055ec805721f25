"""What new calls add up to apart is what they add one by one."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.calls.alert_counts import counted_of
from calltally.calls.events import Fact
from calltally.calls.identity import Node
from calltally.calls.lifecycle import fold
from calltally.calls.measures import measure
from calltally.store.rollups.alert_steps import StepDeltas
from calltally.store.rollups.call_counters import Deltas, Place
from calltally.store.rollups.import_sums import Adding, sums_of, without
from calltally.store.rollups.quality_rows import QualityDeltas
from tests.strategies import facts

_parts = st.lists(st.lists(facts(links=False), max_size=6), max_size=4)


def adding(told: Fact) -> Adding:
    folded = fold("acme", Node(told.call_sid, is_carrier=False), (told,))
    return Place.of("acme", folded), counted_of(folded.call), measure(folded)


def rows(counts: Deltas, steps: StepDeltas, quality: QualityDeltas) -> list[Any]:
    """All that they would write."""
    changed = [(row, each.keys, each.counts, each.bins) for row, each in sorted(quality.rows().items())]
    return [counts.rows(), [(many.name, list(many.rows)) for many in steps.statements()], changed]


@settings(max_examples=60, deadline=None)
@given(st.lists(facts(links=False), max_size=8), st.lists(facts(links=False), max_size=8))
def test_what_is_left_is_what_the_others_add_up_to(left: list[Fact], gone: list[Fact]) -> None:
    sums = sums_of([adding(told) for told in (*left, *gone)])
    assert without(sums, [adding(told) for told in gone]) == sums_of([adding(told) for told in left])


@settings(max_examples=60, deadline=None)
@given(_parts)
def test_parts_that_are_merged_are_the_whole(parts: list[list[Fact]]) -> None:
    whole, merged = (Deltas(), StepDeltas(), QualityDeltas()), (Deltas(), StepDeltas(), QualityDeltas())
    made = [sums_of([adding(told) for told in part]) for part in parts]
    for part, sums in zip(parts, made, strict=True):
        merged[0].merge(sums.minutes, sums.hours)
        merged[1].merge(sums.times)
        merged[2].merge(sums.tallies)
        for place, counted, measured in map(adding, part):
            whole[0].add(place, 1)
            whole[1].move("acme", (), counted)
            whole[2].add(place, measured)
    assert rows(*merged) == rows(*whole)
    # To merge them has left them as they were.
    assert made == [sums_of([adding(told) for told in part]) for part in parts]
