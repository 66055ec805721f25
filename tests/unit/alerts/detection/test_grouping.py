"""What is one alert and what is another: moves by hand, in a tenant of providers, agents and routes."""

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


def moved(series: int, share: float, *, since: int = 0, **other: object) -> SeriesMove:
    """So much of a series' calls fail beyond the usual 5 %, found three steps after it began."""
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


def heads(*crossed: SeriesMove) -> list[int]:
    """The series of the alerts that open, of moves that cross one after the other."""
    causes: list[AlertIncident] = []
    return [
        news.primary.cell.series for each in crossed for news in group_moves(causes, [each], FAMILY).opened
    ]


def test_a_provider_that_is_down_is_told_for_its_routes_however_unlike_they_are() -> None:
    routes = [moved(ROUTE, 0.3), moved(SIBLING, 0.9, since=2)]
    assert heads(moved(PROVIDER, 0.4), *routes, moved(AGENT, 0.3)) == [PROVIDER]
    causes: list[AlertIncident] = []
    news = group_moves(causes, [*routes, moved(PROVIDER, 0.6)], FAMILY)
    assert [each.primary.cell.series for each in news.opened] == [PROVIDER]


def test_a_route_that_explains_its_provider_is_named() -> None:
    causes: list[AlertIncident] = []
    crossed = [moved(PROVIDER, 0.06), moved(ROUTE, 0.6), moved(AGENT, 0.05), moved(TENANT, 0.05)]
    assert [each.primary.cell.series for each in group_moves(causes, crossed, FAMILY).opened] == [ROUTE]


@pytest.mark.parametrize("coarse", [TENANT, PROVIDER, AGENT])
def test_a_slow_change_of_many_does_not_hide_a_fast_one_of_a_route(coarse: int) -> None:
    slow = moved(coarse, 0.02, since=-1200, at=-4, speed=SPEEDS.index(DetectionSpeed.DRIFT))
    assert heads(slow, moved(ROUTE, 0.5)) == [coarse, ROUTE]
    late = moved(ROUTE, 0.03, since=-400, at=2, speed=SPEEDS.index(DetectionSpeed.DRIFT))
    assert heads(slow, late) == [coarse]


def test_what_is_far_more_than_was_told_is_news() -> None:
    told = moved(PROVIDER, 0.05)
    assert heads(told, moved(ROUTE, 0.08, since=12)) == [PROVIDER]
    assert heads(told, moved(ROUTE, 0.5, since=12)) == [PROVIDER, ROUTE]
    few = moved(ROUTE, 0.2, since=12, calls=12.0, events=3.0, expected=0.6)
    assert heads(told, few) == [PROVIDER]


def test_a_route_of_other_agents_is_no_evidence_for_an_agent() -> None:
    assert heads(moved(AGENT, 0.1), moved(FAR, 0.4)) == [AGENT, FAR]
    assert heads(moved(AGENT, 0.1), moved(ROUTE, 0.4)) == [AGENT]
    assert heads(moved(ROUTE, 0.6), moved(STRANGER, 0.05)) == [ROUTE, STRANGER]


def test_another_way_to_end_is_news_and_fewer_answers_are_not() -> None:
    failing, fewer = moved(ROUTE, 0.3), of(Metric.ANSWER_RATE, moved(ROUTE, -0.05), ChangeDirection.DOWN)
    assert heads(failing, fewer, of(Metric.PROVIDER_FAILURE_RATE, moved(ROUTE, 0.2, since=30))) == [ROUTE]
    assert heads(failing, fewer, of(Metric.NO_ANSWER_RATE, moved(ROUTE, 0.2, since=30))) == [ROUTE, ROUTE]
    assert heads(fewer, of(Metric.NO_ANSWER_RATE, moved(ROUTE, 0.05))) == [ROUTE]
    assert heads(failing, of(Metric.TRANSFER_RATE, moved(ROUTE, 0.3))) == [ROUTE, ROUTE]


def test_what_moved_with_a_series_that_is_usual_again_is_taken_for_usual_too() -> None:
    causes: list[AlertIncident] = []
    provider, route, agent = moved(PROVIDER, 0.4), moved(ROUTE, 0.4), moved(AGENT, 0.3)
    for each in (provider, route, agent):
        group_moves(causes, [each], FAMILY)
    assert cells_to_release(causes, [agent.cell]) == []
    assert cells_to_release(causes, [provider.cell]) == [agent.cell, route.cell]
    clear_cells(causes, [provider.cell, route.cell, agent.cell], 50)
    assert [cause.primary for cause in clear_cells(causes, [], 50 + HOLD_STEPS)] == [provider]
    assert causes == []


def test_what_gets_far_worse_is_told_anew_and_takes_what_is_inside_with_it() -> None:
    causes: list[AlertIncident] = []
    for each in (moved(PROVIDER, 0.05), moved(ROUTE, 0.05), moved(SIBLING, 0.05)):
        group_moves(causes, [each], FAMILY)
    worse = [moved(each, 0.6, since=100, is_worse=True) for each in (ROUTE, PROVIDER)]
    assert group_moves(causes, worse, FAMILY) == ([], [causes[0]])
    assert (causes[0].primary, len(causes)) == (worse[1], 1)


def test_a_route_that_alone_gets_far_worse_is_an_alert_of_its_own() -> None:
    causes: list[AlertIncident] = []
    for each in (moved(PROVIDER, 0.05), moved(ROUTE, 0.05)):
        group_moves(causes, [each], FAMILY)
    assert group_moves(causes, [moved(ROUTE, 0.08, since=100, is_worse=True)], FAMILY) == ([], [])
    news = group_moves(causes, [moved(ROUTE, 0.6, since=200, is_worse=True)], FAMILY)
    assert [each.primary.cell.series for each in news.opened] == [ROUTE]
    assert causes[0].active_cells == {causes[0].primary.cell}


def test_what_comes_back_far_worse_while_it_is_held_is_the_same_alert() -> None:
    causes: list[AlertIncident] = []
    group_moves(causes, [moved(ROUTE, 0.1)], FAMILY)
    clear_cells(causes, [causes[0].primary.cell], 50)
    assert group_moves(causes, [moved(ROUTE, 0.12, since=51)], FAMILY) == ([], [])
    assert group_moves(causes, [moved(ROUTE, 0.7, since=52)], FAMILY) == ([], [causes[0]])
    assert (len(causes), causes[0].quiet_since) == (1, None)
