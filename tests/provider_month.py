"""A month of calls as a whole: what is planted in it comes from the measurements' own."""

from random import Random
from typing import NamedTuple

from bench.call_resource import Resource
from bench.provider_month import END_US, MONTH_US, provider_month
from calltally.calls.events import Fact
from calltally.calls.times import DAY_US
from calltally.reconcile.findings import FindingKind

__all__ = ("END_US", "MONTH_US", "NOW_US", "Month", "month")

# A day after: whatever is still open is not just under way.
NOW_US = END_US + DAY_US


class Month(NamedTuple):
    """`facts` are what we heard, `listed` what the provider says, `labels` what is wrong with which SID."""

    facts: list[Fact]
    listed: list[Resource]
    labels: dict[str, FindingKind]


def month(calls: int, seed: int = 4) -> Month:
    """So many calls, what we heard of them in no order at all."""
    made = Month([], [], {})
    for each in provider_month(calls, seed):
        made.listed.append(each.listed)
        made.facts.extend(each.facts)
        if each.fault is not None:
            made.labels[each.listed["sid"]] = each.fault
    Random(seed).shuffle(made.facts)
    return made
