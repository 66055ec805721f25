"""Whether two moves are of one cause: what they are of, when they began, how large they are.

An open alert must not swallow what is news: another kind of ending, what began apart from it, or what is far
more than was told. Sizes are compared as parts of all calls, which a failure rate and an answer rate share.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from calltally.alerts.detection.incident import Moved
from calltally.alerts.detection.signals import LOOKS
from calltally.alerts.model.series import Metric

# Standard deviations: what is left of a coarse series without the finer ones is usual below this.
_USUAL: Final = 3.0
# Of more than so many times as many calls as was told is news.
_MUCH: Final = 2.0
# Two change points so far apart are not one, however doubtful they are.
_TOGETHER_STEPS: Final = 12
_DOUBT_STEPS: Final = 2
# What each rate says of how calls end. An answer rate falls with either of the others.
_SAYS: Final = {
    Metric.FAILURE_RATE: frozenset({"failing"}),
    Metric.PROVIDER_FAILURE_RATE: frozenset({"failing"}),
    Metric.NO_ANSWER_RATE: frozenset({"unanswered"}),
    Metric.ANSWER_RATE: frozenset[str](),
    Metric.TRANSFER_RATE: frozenset({"transfer"}),
}
# Which rates move whenever one does: a collapse of the one is told as the other getting worse. What makes an
# answer rate fall is watched by itself.
_MOVES_WITH: Final = {
    Metric.FAILURE_RATE: frozenset({Metric.ANSWER_RATE}),
    Metric.PROVIDER_FAILURE_RATE: frozenset({Metric.FAILURE_RATE, Metric.ANSWER_RATE}),
    Metric.NO_ANSWER_RATE: frozenset({Metric.ANSWER_RATE}),
    Metric.ANSWER_RATE: frozenset({Metric.FAILURE_RATE, Metric.PROVIDER_FAILURE_RATE, Metric.NO_ANSWER_RATE}),
    Metric.TRANSFER_RATE: frozenset[Metric](),
}


def is_alike(moved: Moved, known: Iterable[Moved]) -> bool:
    """Whether a move is of a kind with those that are known: how calls end, or where they are handed to.

    An answer rate goes with both failures and calls that nobody answers, but does not make these two alike.
    """
    told = frozenset[str]().union(*(_said(each) for each in known))
    own = _said(moved)
    if own and told:
        return bool(own & told)
    return "transfer" not in own | told


def _said(moved: Moved) -> frozenset[str]:
    return _SAYS[LOOKS[moved.cell.look].metric]


def is_seen_in(moved: Moved, head: Moved) -> bool:
    """Whether a move of a series shows in the rate of it that is named, which then gets worse by itself."""
    return LOOKS[head.cell.look].metric in _MOVES_WITH[LOOKS[moved.cell.look].metric]


def began_together(one: Moved, other: Moved) -> bool:
    """Whether two began at one time. The longer a change took to be found, the less is its start known."""
    doubt = _DOUBT_STEPS + (one.at - one.since) + (other.at - other.since)
    return abs(one.since - other.since) <= min(doubt, _TOGETHER_STEPS)


def unfolds(coarse: Moved, finer: Moved) -> bool:
    """Whether a finer move may still be of a coarse one that was told before it: no faster, and no more."""
    is_between = coarse.since - _TOGETHER_STEPS <= finer.since <= coarse.at + _TOGETHER_STEPS
    return is_between and finer.speed >= coarse.speed and not is_much_more(finer, coarse)


def is_much_more(moved: Moved, told: Moved) -> bool:
    """Whether a move is of far more calls than was told, beyond what chance could add."""
    seen = (moved.events + 0.5) / (moved.calls + 1.0)
    variance = max(moved.variance, moved.calls * seen * (1 - seen) * moved.spread)
    beyond = abs(moved.excess) - _MUCH * told.share * moved.calls
    return bool(beyond > _USUAL * variance**0.5)


def is_explained(coarse: Moved, finer: Sequence[Moved]) -> bool:
    """Whether what is left of a coarse series without the finer ones is usual."""
    alike = [each for each in _one_a_series(finer, coarse.cell.look) if is_alike(coarse, [each])]
    left = abs(coarse.excess) - sum(_within(each, coarse) for each in alike)
    return bool(alike) and left < _USUAL * coarse.variance**0.5


def _within(finer: Moved, coarse: Moved) -> float:
    """The events that a finer move adds to the window of a coarse one, going on as it was found."""
    steps = coarse.at - max(coarse.since, finer.since) + 1
    return abs(finer.excess) * max(steps, 0) / max(finer.at - finer.since + 1, 1)


def _one_a_series(moved: Iterable[Moved], look: int) -> list[Moved]:
    """For each series the move of the same look, or of whatever look it has."""
    found: dict[int, Moved] = {}
    for each in moved:
        if each.cell.series not in found or each.cell.look == look:
            found[each.cell.series] = each
    return list(found.values())
