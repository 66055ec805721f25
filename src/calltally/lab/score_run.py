"""A whole scoring: months generated, judged and scored a few at a time, with the rivals beside."""

from collections.abc import Callable
from typing import Final

import msgspec

from calltally.alerts.rules import Rules
from calltally.lab.replaying import replayed
from calltally.lab.rivals import Rivals
from calltally.lab.scoring import Score, Tally
from calltally.lab.tenant import Size
from calltally.lab.traffic import month

OURS: Final = "detectors"
# So many months side by side: enough for arrays to be fast, few enough for a gigabyte.
_AT_ONCE: Final = 5


class Report(msgspec.Struct, frozen=True):
    """The scores, and what they are of: seeds from `first_seed` on, one a month."""

    first_seed: int
    months: int
    routes: int
    budget_a_week: float
    scores: tuple[Score, ...]


def scored(first_seed: int, months: int, size: Size, rules: Rules, told: Callable[[Report], None]) -> Report:
    """Score so many months. `told` gets the report so far after each few."""
    ours, rivals = Tally(OURS), Rivals()
    report = Report(first_seed, 0, size.routes, rules.false_alarms_a_week, ())
    for first in range(0, months, _AT_ONCE):
        made = [month(first_seed + at, size) for at in range(first, min(first + _AT_ONCE, months))]
        ours.add(made, replayed(made, rules))
        rivals.add(made)
        score = ours.score()
        others = rivals.at(max(score.false_alarms_a_week, rules.false_alarms_a_week))
        report = msgspec.structs.replace(report, months=score.months, scores=(score, *others))
        told(report)
    return report
