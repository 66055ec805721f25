"""Grouping of moves into incidents: one alert per incident, with the other series as evidence.

An incident names the coarsest series that explains the rest: a provider before its routes. If one route alone
explains the provider, the route is named and the provider is its evidence. A move inside an open incident is
evidence only if `detection.similarity` attributes it to the incident. Otherwise it is an alert of its own.
"""

from collections.abc import Sequence
from typing import Final

from calltally.alerts.detection.incident import (
    AlertIncident,
    IncidentChanges,
    SeriesMove,
    SeriesTree,
    SignalCell,
    are_similar,
    continues_move,
    is_explained,
    is_far_larger,
    shows_in,
    started_together,
)

# An incident must be quiet for this long before it ends: one that flaps stays one incident.
HOLD_STEPS: Final = 6


def group_moves(
    incidents: list[AlertIncident], moves: Sequence[SeriesMove], tree: SeriesTree
) -> IncidentChanges:
    """Add new moves to the open incidents and return the changed incidents."""
    news = IncidentChanges([], [])
    for move in _in_naming_order(moves, tree):
        incident = next((each for each in incidents if _belongs(each, move, tree)), None)
        if incident is None:
            incident = AlertIncident(move, [], set())
            # The cell leaves the incidents that it outgrew.
            for each in incidents:
                each.active_cells.discard(move.cell)
            incidents.append(incident)
            news.opened.append(incident)
        elif move.cell == incident.primary.cell and is_far_larger(move, incident.primary):
            incident.primary = move
            news.worsened.append(incident)
        else:
            incident.members.append(move)
        incident.active_cells.add(move.cell)
        incident.quiet_since = None
    return news


def clear_cells(
    incidents: list[AlertIncident], cleared: Sequence[SignalCell], at: int
) -> list[AlertIncident]:
    """Remove recovered cells, close the incidents that stay quiet, and return those."""
    for incident in incidents:
        incident.active_cells.difference_update(cleared)
        if not incident.active_cells and incident.quiet_since is None:
            incident.quiet_since = at
    ended = [
        each for each in incidents if each.quiet_since is not None and at - each.quiet_since >= HOLD_STEPS
    ]
    incidents[:] = [each for each in incidents if each not in ended]
    return ended


def cells_to_release(incidents: Sequence[AlertIncident], cleared: Sequence[SignalCell]) -> list[SignalCell]:
    """Return the cells that still move in incidents whose named cell has recovered.

    They count as recovered too: small series would take long to show it, and coarse ones longer. A cell that
    has not recovered crosses its threshold again and then gets an alert of its own.
    """
    cleared_cells = frozenset(cleared)
    return [
        cell
        for incident in incidents
        if incident.primary.cell in cleared_cells
        for cell in sorted(incident.active_cells - cleared_cells)
    ]


def _in_naming_order(moves: Sequence[SeriesMove], tree: SeriesTree) -> list[SeriesMove]:
    """Sort coarse series first, but after a single finer one that explains them; agents come last."""

    def rank(move: SeriesMove) -> tuple[bool, int, float]:
        series = move.cell.series
        depth = len(tree.ancestors(series))
        inside = [each for each in moves if series in tree.ancestors(each.cell.series)]
        if any(is_explained(move, [each]) for each in inside if each.cell.signal == move.cell.signal):
            depth = len(tree.parents)
        return series in tree.agents, depth, -move.sum

    return sorted(moves, key=rank)


def _belongs(incident: AlertIncident, move: SeriesMove, tree: SeriesTree) -> bool:
    """Decide whether a move belongs to an incident: its own series, a finer one, or one that it explains.

    A coarse member claims no other series: a provider that one route has moved does not claim its other
    routes.
    """
    primary, series = incident.primary.cell.series, move.cell.series
    # A quiet cell that comes back far worse is the same alert: each cell has one.
    if move.cell == incident.primary.cell:
        return True
    if tree.contains(series, primary):
        moves = (incident.primary, *incident.members)
        return is_explained(move, [each for each in moves if tree.contains(series, each.cell.series)])
    if series in {cell.series for cell in incident.active_cells} or (
        series == primary and incident.quiet_since is not None
    ):
        return _extends_own_move(incident, move) or _is_inside(incident, move, tree)
    return _is_inside(incident, move, tree)


def _extends_own_move(incident: AlertIncident, move: SeriesMove) -> bool:
    """Decide whether a move of a series of the incident belongs to it and is not far larger."""
    own_moves = [
        each for each in (incident.primary, *incident.members) if each.cell.series == move.cell.series
    ]
    if not are_similar(move, own_moves):
        return False
    shows = own_moves[0] is incident.primary and shows_in(move, incident.primary)
    return shows or started_together(own_moves[0], move) or not is_far_larger(move, own_moves[0])


def _is_inside(incident: AlertIncident, move: SeriesMove, tree: SeriesTree) -> bool:
    """Decide whether a move is inside a coarse series that still moves, and started with it."""
    primary, series = incident.primary.cell.series, move.cell.series
    if incident.primary.cell not in incident.active_cells or not are_similar(move, [incident.primary]):
        return False
    is_inside = tree.contains(primary, series) or (series in tree.agents and primary in tree.parents)
    return is_inside and (started_together(incident.primary, move) or continues_move(incident.primary, move))
