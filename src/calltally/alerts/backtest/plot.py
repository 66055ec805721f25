"""Self-contained HTML page of a back-test: the alerts of each setting side by side."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template
from typing import Final, NamedTuple

from calltally.alerts.backtest.replay import Backtest, Episode, HourlyCounts, HourlyPoint
from calltally.alerts.model.series import Dimension, Metric, SeriesKey
from calltally.calls.times import SECOND_US, parse_instant, utc_text

_PAGE: Final = Template(
    files("calltally.alerts.backtest").joinpath("backtest.html").read_text(encoding="utf-8")
)
# Dimensions in units of the drawing, which scales to the reader's window.
_WIDTH: Final = 960
_LEFT, _RIGHT = 46, 8
_CHART_HIGH: Final = 70
_LANE_HIGH: Final = 11
_AXIS_HIGH: Final = 18
_GAP: Final = 6
# Number of charts, longest alarms first; the lists have all of them.
_MAX_CHARTS: Final = 30
_MAX_POINTS: Final = 400
_TICKS: Final = 8
_COLORS: Final = 4
_DAY_S: Final = 86_400
_TICK_STEPS_S: Final = tuple(h * 3_600 for h in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 672, 1_344, 2_688))
_MINUTE: Final = len("2026-10-01T00:00")


class _Frame(NamedTuple):
    """Time axis of a drawing."""

    from_s: int
    to_s: int

    def x(self, at_s: float) -> float:
        """Return the x coordinate of an instant; instants outside the window are at the edge."""
        part = (at_s - self.from_s) / max(1, self.to_s - self.from_s)
        return _LEFT + min(1.0, max(0.0, part)) * (_WIDTH - _LEFT - _RIGHT)


def plot_page(
    tenant: str, backtests: Sequence[Backtest], hours: HourlyCounts, window_us: tuple[int, int]
) -> str:
    """Return the page of a window, microseconds UTC. All text from elsewhere is escaped."""
    frame = _Frame(window_us[0] // SECOND_US, window_us[1] // SECOND_US)
    ranked = _ranked_episodes(backtests, frame)
    charts = [_chart(each, backtests, hours, frame) for each in ranked[:_MAX_CHARTS]]
    more = len(ranked) - len(charts)
    note = f"<p>And {more:,} more, which are listed below.</p>" if more else ""
    return _PAGE.substitute(
        title=escape(f"Back-test of the alerts of {tenant}"),
        window=f"{_minute(utc_text(window_us[0]))} to {_minute(utc_text(window_us[1]))}, UTC",
        settings="\n".join(_card(index, each, frame) for index, each in enumerate(backtests)),
        charts="\n".join(charts) + note,
        lists="\n".join(_list(index, each) for index, each in enumerate(backtests)),
    )


def _ranked_episodes(backtests: Sequence[Backtest], frame: _Frame) -> list[Episode]:
    """Return one episode of each cause, longest total alarm first."""
    first: dict[str, Episode] = {}
    minutes: dict[str, float] = {}
    for each in backtests:
        for episode in each.episodes:
            first.setdefault(episode.cause, episode)
            begins_s, ends_s = _span(episode, frame)
            minutes[episode.cause] = minutes.get(episode.cause, 0.0) + ends_s - begins_s
    return sorted(first.values(), key=lambda each: (-minutes[each.cause], each.cause))


def _span(episode: Episode, frame: _Frame) -> tuple[float, float]:
    ended_s = parse_instant(episode.ended) / SECOND_US if episode.ended else frame.to_s
    return parse_instant(episode.found) / SECOND_US, ended_s


def _card(index: int, backtest: Backtest, frame: _Frame) -> str:
    seconds = sum(
        ends_s - begins_s for begins_s, ends_s in (_span(each, frame) for each in backtest.episodes)
    )
    facts = (
        ("alerts", f"{len(backtest.episodes):,}"),
        ("a week", f"{backtest.a_week:.1f}"),
        ("hours alarmed", f"{seconds / 3_600:,.1f}"),
    )
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<section class="setting"><h2>{_key(index)}{escape(backtest.name)}</h2><dl>{items}</dl></section>'


def _key(index: int) -> str:
    return f'<span class="key s{index % _COLORS}">{_letter(index)}</span>'


def _letter(index: int) -> str:
    """Return the letter of a setting, for labels without room for its name."""
    return chr(ord("A") + index % 26)


def _chart(cause: Episode, backtests: Sequence[Backtest], hours: HourlyCounts, frame: _Frame) -> str:
    """Draw the series above and a lane for each setting below."""
    metric = None if cause.metric is None else Metric(cause.metric)
    points = hours.points(SeriesKey(Dimension(cause.dimension), cause.series), metric, _MAX_POINTS)
    high = _CHART_HIGH + _GAP + len(backtests) * (_LANE_HIGH + 2) + _AXIS_HIGH
    lanes = [_lane(index, each, cause.cause, frame) for index, each in enumerate(backtests)]
    metric_name = f"{(cause.metric or 'calls an hour').replace('_', ' ')}"
    series_name = f"{cause.dimension.replace('_', ' ')} {cause.series}" if cause.series else "all calls"
    label = escape(f"{metric_name} of {series_name}, and when each setting alarmed", quote=True)
    shapes = [_axis(frame, high), _line(points, frame, is_rate=metric is not None), *lanes]
    return (
        f"<figure><figcaption>{escape(series_name)}<small>{escape(metric_name)}</small></figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {high}" role="img" aria-label="{label}">{"".join(shapes)}</svg></figure>'
    )


def _line(points: Sequence[HourlyPoint], frame: _Frame, *, is_rate: bool) -> str:
    """Draw the values as steps with the label of the highest one; hours without calls are gaps."""
    values = [point.value for point in points if point.value is not None]
    top = max(values, default=0.0) or 1.0
    ends_s = [*(point.at_s for point in points[1:]), frame.to_s]
    path, is_open = [], False
    for point, end_s in zip(points, ends_s, strict=True):
        if point.value is None:
            is_open = False
            continue
        y = _CHART_HIGH - point.value / top * (_CHART_HIGH - 8)
        path.append(f"{'L' if is_open else 'M'}{frame.x(point.at_s):.1f} {y:.1f}H{frame.x(end_s):.1f}")
        is_open = True
    label = f"{100 * top:.0f} %" if is_rate else f"{top:,.0f}"
    return (
        f'<line class="base" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_CHART_HIGH}" y2="{_CHART_HIGH}"/>'
        f'<text x="{_LEFT - 6}" y="12" text-anchor="end">{label}</text>'
        f'<text x="{_LEFT - 6}" y="{_CHART_HIGH}" text-anchor="end">0</text>'
        f'<path class="series" d="{"".join(path)}"/>'
    )


def _lane(index: int, backtest: Backtest, cause: str, frame: _Frame) -> str:
    """Draw the alarms of one setting: a bar in its lane, and a shade behind the series."""
    y = _CHART_HIGH + _GAP + index * (_LANE_HIGH + 2)
    color = f"s{index % _COLORS}"
    bars = [
        f'<rect class="lane" x="{_LEFT}" y="{y}" width="{_WIDTH - _LEFT - _RIGHT}" height="{_LANE_HIGH}"/>'
    ]
    for episode in (each for each in backtest.episodes if each.cause == cause):
        x, to_x = (frame.x(at_s) for at_s in _span(episode, frame))
        width = max(2.0, to_x - x)
        label = escape(f"{backtest.name}: {_minute(episode.found)} to {_ended(episode)}. {episode.message}")
        bars.append(
            f'<rect class="shade {color}" x="{x:.1f}" y="2" width="{width:.1f}" height="{_CHART_HIGH - 2}"/>'
            f'<rect class="{color}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_LANE_HIGH}">'
            f"<title>{label}</title></rect>"
        )
    name = f'<text x="{_LEFT - 6}" y="{y + _LANE_HIGH - 2}" text-anchor="end">{_letter(index)}</text>'
    return name + "".join(bars)


def _axis(frame: _Frame, high: int) -> str:
    """Draw a few round instants, with their days or hours."""
    step_s = next(
        (each for each in _TICK_STEPS_S if (frame.to_s - frame.from_s) / each <= _TICKS), _DAY_S * 56
    )
    first_s = -(-frame.from_s // step_s) * step_s
    ticks = []
    for at_s in range(first_s, frame.to_s + 1, step_s):
        x, moment = frame.x(at_s), datetime.fromtimestamp(at_s, UTC)
        label = moment.strftime("%d %b" if step_s >= _DAY_S or moment.hour == 0 else "%H:%M")
        bottom = high - _AXIS_HIGH
        ticks.append(
            f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{bottom}"/>'
            f'<text x="{x:.1f}" y="{high - 4}" text-anchor="middle">{label}</text>'
        )
    return "".join(ticks)


def _list(index: int, backtest: Backtest) -> str:
    items = "".join(
        f"<li><time>{_minute(each.found)} to {_ended(each)}</time> {escape(each.message)}</li>"
        for each in backtest.episodes
    )
    head, alerts = f"<h3>{_key(index)}{escape(backtest.name)}</h3>", f"<ol>{items}</ol>"
    return f'<section class="setting">{head}{alerts if items else "<p>No alerts.</p>"}</section>'


def _ended(episode: Episode) -> str:
    return "the end" if episode.ended is None else _minute(episode.ended)


def _minute(instant: str) -> str:
    return instant[:_MINUTE].replace("T", " ")
