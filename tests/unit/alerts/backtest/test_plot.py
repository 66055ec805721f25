"""Page of a back-test: positions of the bars, and escaped text."""

import re
from xml.etree import ElementTree

import msgspec
import pytest

from calltally.alerts.backtest.plot import plot_page
from calltally.alerts.backtest.replay import Backtest, Episode, HourlyCounts, HourlyPoint
from calltally.alerts.model.series import TENANT, Dimension, Metric, SeriesKey
from calltally.calls.alert_counts import COLUMNS, STEP_S, AlertStepKey, Cells
from calltally.calls.times import SECOND_US, utc_text
from tests.sample_facts import START_US

FROM_S = START_US // SECOND_US // 86_400 * 86_400
TO_S = FROM_S + 10 * 3_600
ROUTE = SeriesKey(Dimension.ROUTE, "<b>sales</b>")


def cells(**counts: int) -> Cells:
    return tuple(counts.get(name, 0) for name in COLUMNS)


def hours() -> HourlyCounts:
    """Return ten calls in the first step of each hour but the fifth, with growing no-answers."""
    found = HourlyCounts(FROM_S, TO_S)
    for hour in (0, 1, 2, 3, 5, 6, 7, 8, 9):
        key = AlertStepKey(0, ROUTE.value, "twilio", "", "")
        found.add([(FROM_S + hour * 3_600, {key: cells(started=10, final=10, no_answer=hour)})])
    return found


def episode(found_h: float, ended_h: float | None, metric: str | None = "no_answer_rate") -> Episode:
    times = [utc_text((FROM_S + int(at * 3_600)) * SECOND_US) for at in (found_h, ended_h or 0)]
    cause = f"rate/route/{ROUTE.value}/{metric}/up"
    of = (cause, "route", ROUTE.value, metric, f"No-answer on {ROUTE.value}")
    return Episode(*of, times[0], times[0], times[1] if ended_h else None, 60)


def page(*episodes: Episode) -> str:
    done = [Backtest("as set", list(episodes), 1.0, 1.0), Backtest("<i>new", [], 1.0, 0.0)]
    return plot_page("acme", done, hours(), (FROM_S * SECOND_US, TO_S * SECOND_US))


def drawing(text: str) -> ElementTree.Element:
    (svg,) = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    return ElementTree.fromstring(svg)  # noqa: S314 (our own page)


def test_hours_are_sums_of_steps_with_gaps_for_no_calls() -> None:
    found = hours()
    found.add([(FROM_S + STEP_S, {AlertStepKey(0, "", "", "", ""): cells(started=90, final=90)})])
    found.add([(TO_S, {AlertStepKey(0, "", "", "", ""): cells(started=7)})])
    rates = found.points(ROUTE, Metric.NO_ANSWER_RATE, 400)
    assert [point.value for point in rates] == [0, 0.1, 0.2, 0.3, None, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert found.points(TENANT, None, 400)[0] == HourlyPoint(FROM_S, 100.0)
    # In fewer spans than there are hours.
    assert [point.value for point in found.points(ROUTE, None, 4)] == [30.0, 20.0, 30.0, 10.0]
    assert found.points(SeriesKey(Dimension.AGENT, "nobody"), None, 1)[0].value == 0.0


def test_bars_are_at_the_alarms_of_a_setting() -> None:
    svg = drawing(page(episode(5, 7.5), episode(9, None)))
    bars = [each for each in svg.iter("rect") if each.get("class") == "s0"]
    positions = [float(each.get(name, "")) for each in bars for name in ("x", "width")]
    an_hour = (960 - 46 - 8) / 10
    expected = [46 + 5 * an_hour, 2.5 * an_hour, 46 + 9 * an_hour, an_hour]
    assert positions == pytest.approx(expected, abs=0.1)
    assert len([each for each in svg.iter("rect") if each.get("class") == "lane"]) == 2
    assert [each for each in svg.iter("rect") if each.get("class") == "s1"] == []
    (line,) = (each.get("d", "") for each in svg.iter("path"))
    # The fifth hour had no calls: the line has a gap.
    assert line.count("M") == 2
    assert "90 %" in {each.text for each in svg.iter("text")}


def test_foreign_text_is_escaped() -> None:
    text = page(episode(5, 7.5))
    assert "<b>" not in text
    assert "<i>" not in text
    assert "No-answer on &lt;b&gt;sales&lt;/b&gt;" in text
    assert "No alerts." in text
    assert not re.search(r"(?:src|href)=|https?:", text)


def test_silence_is_charted_as_calls_longest_first() -> None:
    text = page(episode(1, 1.5), episode(2, 8, metric=None))
    assert text.index("calls an hour") < text.index("no answer rate")
    assert page().count("<figure>") == 0
    many = [msgspec.structs.replace(episode(1, 1.5), cause=str(number)) for number in range(31)]
    assert page(*many).count("<figure>") == 30
    assert "And 1 more, which are listed below." in page(*many)
