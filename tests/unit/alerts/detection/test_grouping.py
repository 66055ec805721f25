"""Grouping of hand-made moves into incidents, in a tenant of providers, agents and routes."""

import msgspec
import pytest

from calltally.alerts.detection.grouping import HOLD_STEPS, cells_to_release, clear_cells, group_moves
from calltally.alerts.detection.incident import AlertIncident, SeriesMove, SeriesTree, SignalCell
from calltally.alerts.detection.signals import SIGNALS, SPEEDS, Signal
from calltally.alerts.model.finding import ChangeDirection, DetectionSpeed
from calltally.alerts.model.series import Metric

TENANT, PROVIDER, OTHER, AGENT, STRANGER, ROUTE, SIBLING, FAR = range(8)
FAMILY = SeriesTree(
    [-1, TENANT, TENANT, TENANT, TENANT, PROVIDER, PROVIDER, OTHER],
    frozenset({AGENT, STRANGER}),
    {ROUTE: {AGENT}, SIBLING: {AGENT}, FAR: {STRANGER}},
)
FAILING = Metric.FAILURE_RATE


def move(series: int, share: float, *, since: int = 0, **other: object) -> SeriesMove:
    """Return a move: a share of calls fails beyond the usual 5 %, found three steps after its start."""
    calls = 4000.0 if series < ROUTE else 400.0
    usual = SeriesMove(
        cell=SignalCell(SIGNALS.index(Signal(FAILING, ChangeDirection.UP)), series),
        speed=SPEEDS.index(DetectionSpeed.SHIFT),
        since=since,
        at=since + 3,
        calls=calls,
        events=calls * (0.05 + share),
        expected=calls * 0.05,
        spread=3.0,
        sum=20.0,
        threshold=13.0,
    )
    return msgspec.structs.replace(usual, **other)


def of(metric: Metric, each: SeriesMove, direction: ChangeDirection = ChangeDirection.UP) -> SeriesMove:
    return msgspec.structs.replace(
        each, cell=SignalCell(SIGNALS.index(Signal(metric, direction)), each.cell.series)
    )


def opened_series(*crossed: SeriesMove) -> list[int]:
    """Return the series of the alerts that open as moves cross one after the other."""
    incidents: list[AlertIncident] = []
    return [
        changes.primary.cell.series
        for each in crossed
        for changes in group_moves(incidents, [each], FAMILY).opened
    ]


def test_provider_outage_covers_routes_with_different_rates() -> None:
    routes = [move(ROUTE, 0.3), move(SIBLING, 0.9, since=2)]
    assert opened_series(move(PROVIDER, 0.4), *routes, move(AGENT, 0.3)) == [PROVIDER]
    incidents: list[AlertIncident] = []
    changes = group_moves(incidents, [*routes, move(PROVIDER, 0.6)], FAMILY)
    assert [each.primary.cell.series for each in changes.opened] == [PROVIDER]


def test_route_that_explains_its_provider_is_named() -> None:
    incidents: list[AlertIncident] = []
    crossed = [move(PROVIDER, 0.06), move(ROUTE, 0.6), move(AGENT, 0.05), move(TENANT, 0.05)]
    assert [each.primary.cell.series for each in group_moves(incidents, crossed, FAMILY).opened] == [ROUTE]


@pytest.mark.parametrize("coarse", [TENANT, PROVIDER, AGENT])
def test_slow_coarse_change_does_not_hide_a_fast_route_change(coarse: int) -> None:
    slow = move(coarse, 0.02, since=-1200, at=-4, speed=SPEEDS.index(DetectionSpeed.DRIFT))
    assert opened_series(slow, move(ROUTE, 0.5)) == [coarse, ROUTE]
    late = move(ROUTE, 0.03, since=-400, at=2, speed=SPEEDS.index(DetectionSpeed.DRIFT))
    assert opened_series(slow, late) == [coarse]


def test_far_larger_move_is_an_alert_of_its_own() -> None:
    reported = move(PROVIDER, 0.05)
    assert opened_series(reported, move(ROUTE, 0.08, since=12)) == [PROVIDER]
    assert opened_series(reported, move(ROUTE, 0.5, since=12)) == [PROVIDER, ROUTE]
    few = move(ROUTE, 0.2, since=12, calls=12.0, events=3.0, expected=0.6)
    assert opened_series(reported, few) == [PROVIDER]


def test_route_of_other_agents_is_no_evidence_for_an_agent() -> None:
    assert opened_series(move(AGENT, 0.1), move(FAR, 0.4)) == [AGENT, FAR]
    assert opened_series(move(AGENT, 0.1), move(ROUTE, 0.4)) == [AGENT]
    assert opened_series(move(ROUTE, 0.6), move(STRANGER, 0.05)) == [ROUTE, STRANGER]


def test_other_kind_of_ending_is_an_alert_and_fewer_answers_are_not() -> None:
    failing, fewer = move(ROUTE, 0.3), of(Metric.ANSWER_RATE, move(ROUTE, -0.05), ChangeDirection.DOWN)
    assert opened_series(failing, fewer, of(Metric.PROVIDER_FAILURE_RATE, move(ROUTE, 0.2, since=30))) == [
        ROUTE
    ]
    assert opened_series(failing, fewer, of(Metric.NO_ANSWER_RATE, move(ROUTE, 0.2, since=30))) == [
        ROUTE,
        ROUTE,
    ]
    assert opened_series(fewer, of(Metric.NO_ANSWER_RATE, move(ROUTE, 0.05))) == [ROUTE]
    assert opened_series(failing, of(Metric.TRANSFER_RATE, move(ROUTE, 0.3))) == [ROUTE, ROUTE]


def test_recovery_of_the_named_series_releases_its_members() -> None:
    incidents: list[AlertIncident] = []
    provider, route, agent = move(PROVIDER, 0.4), move(ROUTE, 0.4), move(AGENT, 0.3)
    for each in (provider, route, agent):
        group_moves(incidents, [each], FAMILY)
    assert cells_to_release(incidents, [agent.cell]) == []
    assert cells_to_release(incidents, [provider.cell]) == [agent.cell, route.cell]
    clear_cells(incidents, [provider.cell, route.cell, agent.cell], 50)
    assert [incident.primary for incident in clear_cells(incidents, [], 50 + HOLD_STEPS)] == [provider]
    assert incidents == []


def test_aggravation_is_reported_again_and_includes_finer_moves() -> None:
    incidents: list[AlertIncident] = []
    for each in (move(PROVIDER, 0.05), move(ROUTE, 0.05), move(SIBLING, 0.05)):
        group_moves(incidents, [each], FAMILY)
    worse = [move(each, 0.6, since=100, is_worse=True) for each in (ROUTE, PROVIDER)]
    assert group_moves(incidents, worse, FAMILY) == ([], [incidents[0]])
    assert (incidents[0].primary, len(incidents)) == (worse[1], 1)


def test_route_that_alone_gets_far_worse_is_its_own_alert() -> None:
    incidents: list[AlertIncident] = []
    for each in (move(PROVIDER, 0.05), move(ROUTE, 0.05)):
        group_moves(incidents, [each], FAMILY)
    assert group_moves(incidents, [move(ROUTE, 0.08, since=100, is_worse=True)], FAMILY) == ([], [])
    changes = group_moves(incidents, [move(ROUTE, 0.6, since=200, is_worse=True)], FAMILY)
    assert [each.primary.cell.series for each in changes.opened] == [ROUTE]
    assert incidents[0].active_cells == {incidents[0].primary.cell}


def test_move_that_comes_back_far_worse_is_the_same_alert() -> None:
    incidents: list[AlertIncident] = []
    group_moves(incidents, [move(ROUTE, 0.1)], FAMILY)
    clear_cells(incidents, [incidents[0].primary.cell], 50)
    assert group_moves(incidents, [move(ROUTE, 0.12, since=51)], FAMILY) == ([], [])
    assert group_moves(incidents, [move(ROUTE, 0.7, since=52)], FAMILY) == ([], [incidents[0]])
    assert (len(incidents), incidents[0].quiet_since) == (1, None)


def test_incident_is_stored_under_stable_names() -> None:
    incident = AlertIncident(move(ROUTE, 0.1), [], {move(ROUTE, 0.1).cell})
    stored = msgspec.msgpack.encode(incident)
    assert set(msgspec.msgpack.decode(stored)) == {"head", "members", "still", "quiet_since"}
    assert msgspec.msgpack.decode(stored, type=AlertIncident) == incident
