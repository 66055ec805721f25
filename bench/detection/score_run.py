"""A whole scoring: months generated, judged and scored a few at a time, with the rivals beside."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from typing import Final, NamedTuple

import msgspec

from bench.detection.labelled import labelled_month
from bench.detection.month.tenant import Size
from bench.detection.replaying import replayed
from bench.detection.rivals import Rivals
from bench.detection.scoring import Score, Tally
from calltally.alerts.model.rules import Rules

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


def scored(
    seeds: Sequence[int], size: Size, rules: Rules, on_report: Callable[[Report], None], processes: int = 1
) -> Report:
    """Score a month for each seed, in up to so many processes. `told` gets the report so far after a few."""
    ours, rivals = Tally(OURS), Rivals()
    report = Report(seeds[0], 0, size.routes, rules.false_alarms_a_week, ())
    chunks = [seeds[at : at + _AT_ONCE] for at in range(0, len(seeds), _AT_ONCE)]
    for part in _parts(chunks, size, rules, processes):
        ours.join(part.ours)
        rivals.join(part.rivals)
        score = ours.score()
        others = rivals.at(max(score.false_alarms_a_week, rules.false_alarms_a_week))
        report = msgspec.structs.replace(report, months=score.months, scores=(score, *others))
        on_report(report)
    return report


class _Part(NamedTuple):
    ours: Tally
    rivals: Rivals


def _parts(chunks: Sequence[Sequence[int]], size: Size, rules: Rules, processes: int) -> Iterator[_Part]:
    """In the order of the seeds, whichever process they come from."""
    if processes == 1 or len(chunks) == 1:
        yield from map(_part, chunks, repeat(size), repeat(rules))
        return
    with ProcessPoolExecutor(min(processes, len(chunks)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(_part, chunks, repeat(size), repeat(rules))


def _part(seeds: Sequence[int], size: Size, rules: Rules) -> _Part:
    made = [labelled_month(seed, size) for seed in seeds]
    part = _Part(Tally(OURS), Rivals())
    part.ours.add(made, replayed(made, rules))
    part.rivals.add(made)
    return part
