"""One cause, one alert: which of the series that moved together is named, and which are evidence.

The coarsest series is named that explains the rest: a provider before its routes, unless one route alone
explains the provider, which then is evidence for the route. What moves inside an open cause is evidence for
it only where `alerts.likeness` says that it is of it; else it is an alert of its own.
"""

from collections.abc import Sequence
from typing import Final

from calltally.alerts.detection.incident import Cause, Cell, Family, Moved, News
from calltally.alerts.detection.similarity import (
    began_together,
    is_alike,
    is_explained,
    is_much_more,
    is_seen_in,
    unfolds,
)

# How long a cause must have been quiet before it is told to be over: one that flaps is one.
HOLD_STEPS: Final = 6


def take_in(causes: list[Cause], crossed: Sequence[Moved], family: Family) -> News:
    """Add what just crossed to the causes that are open. Returns what is news of it."""
    news = News([], [])
    for moved in _heads_first(crossed, family):
        cause = next((each for each in causes if _belongs(each, moved, family)), None)
        if cause is None:
            cause = _begun(causes, moved)
            news.began.append(cause)
        elif moved.cell == cause.head.cell and is_much_more(moved, cause.head):
            cause.head = moved
            news.worsened.append(cause)
        else:
            cause.members.append(moved)
        cause.still.add(moved.cell)
        cause.quiet_since = None
    return news


def _begun(causes: list[Cause], moved: Moved) -> Cause:
    """A new cause. What it takes out of another, as far worse, is that one's no more."""
    for each in causes:
        each.still.discard(moved.cell)
    causes.append(Cause(moved, [], set()))
    return causes[-1]


def go_back(causes: list[Cause], back: Sequence[Cell], at: int) -> list[Cause]:
    """Take out the cells that are usual again. Returns the causes that are over, which are open no more."""
    for cause in causes:
        cause.still.difference_update(back)
        if not cause.still and cause.quiet_since is None:
            cause.quiet_since = at
    over = [each for each in causes if each.quiet_since is not None and at - each.quiet_since >= HOLD_STEPS]
    causes[:] = [each for each in causes if each not in over]
    return over


def released(causes: Sequence[Cause], back: Sequence[Cell]) -> list[Cell]:
    """What is still moved of causes whose named cell is usual again.

    It is taken for usual as well: small series would take long to show it, and coarse ones longer. Where it
    is not, it crosses anew, and is then told by its own name.
    """
    gone = frozenset(back)
    return [cell for cause in causes if cause.head.cell in gone for cell in sorted(cause.still - gone)]


def _heads_first(crossed: Sequence[Moved], family: Family) -> list[Moved]:
    """Coarse before fine, but for a coarse one that a single finer one explains; agents last."""

    def rank(moved: Moved) -> tuple[bool, int, float]:
        series = moved.cell.series
        depth = len(family.above(series))
        inside = [each for each in crossed if series in family.above(each.cell.series)]
        if any(is_explained(moved, [each]) for each in inside if each.cell.look == moved.cell.look):
            depth = len(family.parents)
        return series in family.agents, depth, -moved.sum

    return sorted(crossed, key=rank)


def _belongs(cause: Cause, moved: Moved, family: Family) -> bool:
    """Whether a move is the same cause's: of its series, of one inside it, or of one that it explains.

    Not whatever lies in a coarse member: a provider that one route has moved does not claim its other routes.
    """
    head, series = cause.head.cell.series, moved.cell.series
    # One that is quiet by now and comes back far worse is the same alert too: there is one of a cell.
    if moved.cell == cause.head.cell:
        return True
    if family.holds(series, head):
        return is_explained(moved, _known_in(cause, series, family))
    if series in {cell.series for cell in cause.still} or (series == head and cause.quiet_since is not None):
        return _is_of_own(cause, moved) or _is_inside(cause, moved, family)
    return _is_inside(cause, moved, family)


def _is_of_own(cause: Cause, moved: Moved) -> bool:
    """Whether a move of a series that a cause has moved already is its, and nothing worse."""
    own = [each for each in (cause.head, *cause.members) if each.cell.series == moved.cell.series]
    if not is_alike(moved, own):
        return False
    is_shown = own[0] is cause.head and is_seen_in(moved, cause.head)
    return is_shown or began_together(own[0], moved) or not is_much_more(moved, own[0])


def _is_inside(cause: Cause, moved: Moved, family: Family) -> bool:
    """Whether it is of a coarse series that is still moved, and begun with it: else it would be news."""
    head, series = cause.head.cell.series, moved.cell.series
    if cause.head.cell not in cause.still or not is_alike(moved, [cause.head]):
        return False
    is_inside = family.holds(head, series) or (series in family.agents and head in family.parents)
    return is_inside and (began_together(cause.head, moved) or unfolds(cause.head, moved))


def _known_in(cause: Cause, series: int, family: Family) -> list[Moved]:
    """What is known of a cause inside a series."""
    told = [cause.head, *cause.members]
    return [each for each in told if family.holds(series, each.cell.series)]
