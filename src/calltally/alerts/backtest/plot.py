"""A back-test as one HTML page that needs nothing else: what each setting had alarmed, side by side."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template
from typing import Final, NamedTuple

from calltally.alerts.backtest.hours import HourlyCounts, HourlyPoint
from calltally.alerts.backtest.replay import Backtest, Episode
from calltally.alerts.model.series import Dimension, Metric, SeriesKey
from calltally.calls.times import SECOND_US, parse_instant, utc_text

_PAGE: Final = Template(
    files("calltally.alerts.backtest").joinpath("backtest.html").read_text(encoding="utf-8")
)
# Of the drawing, in units of its own: it is as wide as its reader's window.
_WIDTH: Final = 960
_LEFT, _RIGHT = 46, 8
_CHART_HIGH: Final = 70
_LANE_HIGH: Final = 11
_AXIS_HIGH: Final = 18
_GAP: Final = 6
# So many causes are drawn, those first that were alarmed longest; all are in the lists.
_DRAWN: Final = 30
_POINTS: Final = 400
_TICKS: Final = 8
_COLORS: Final = 4
_DAY_S: Final = 86_400
_TICK_STEPS_S: Final = tuple(h * 3_600 for h in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 672, 1_344, 2_688))
_MINUTE: Final = len("2026-10-01T00:00")


class _Frame(NamedTuple):
    """Where instants stand in a drawing."""

    from_s: int
    to_s: int

    def x(self, at_s: float) -> float:
        """The place of an instant; what lies outside is at the edge."""
        part = (at_s - self.from_s) / max(1, self.to_s - self.from_s)
        return _LEFT + min(1.0, max(0.0, part)) * (_WIDTH - _LEFT - _RIGHT)


def plot_page(tenant: str, done: Sequence[Backtest], hours: HourlyCounts, window_us: tuple[int, int]) -> str:
    """The page of a window, microseconds UTC. Everything in it that somebody else wrote is escaped."""
    frame = _Frame(window_us[0] // SECOND_US, window_us[1] // SECOND_US)
    causes = _causes(done, frame)
    left = (
        f"<p>And {len(causes) - _DRAWN:,} more, which are listed below.</p>" if len(causes) > _DRAWN else ""
    )
    return _PAGE.substitute(
        title=escape(f"Back-test of the alerts of {tenant}"),
        window=f"{_minute(utc_text(window_us[0]))} to {_minute(utc_text(window_us[1]))}, UTC",
        settings="\n".join(_card(place, each, frame) for place, each in enumerate(done)),
        charts="\n".join(_chart(each, done, hours, frame) for each in causes[:_DRAWN]) + left,
        lists="\n".join(_list(place, each) for place, each in enumerate(done)),
    )


def _causes(done: Sequence[Backtest], frame: _Frame) -> list[Episode]:
    """One episode of each cause, those first that any setting alarmed longest."""
    first: dict[str, Episode] = {}
    minutes: dict[str, float] = {}
    for each in done:
        for episode in each.episodes:
            first.setdefault(episode.cause, episode)
            begins_s, ends_s = _span(episode, frame)
            minutes[episode.cause] = minutes.get(episode.cause, 0.0) + ends_s - begins_s
    return sorted(first.values(), key=lambda each: (-minutes[each.cause], each.cause))


def _span(episode: Episode, frame: _Frame) -> tuple[float, float]:
    ended_s = parse_instant(episode.ended) / SECOND_US if episode.ended else frame.to_s
    return parse_instant(episode.found) / SECOND_US, ended_s


def _card(place: int, done: Backtest, frame: _Frame) -> str:
    seconds = sum(ends_s - begins_s for begins_s, ends_s in (_span(each, frame) for each in done.episodes))
    facts = (
        ("alerts", f"{len(done.episodes):,}"),
        ("a week", f"{done.a_week:.1f}"),
        ("hours alarmed", f"{seconds / 3_600:,.1f}"),
    )
    shown = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<section class="setting"><h2>{_key(place)}{escape(done.name)}</h2><dl>{shown}</dl></section>'


def _key(place: int) -> str:
    return f'<span class="key s{place % _COLORS}">{_letter(place)}</span>'


def _letter(place: int) -> str:
    """What a setting is called where its name has no room."""
    return chr(ord("A") + place % 26)


# ------------------------------------------------------------------------------------------- one drawing


def _chart(cause: Episode, done: Sequence[Backtest], hours: HourlyCounts, frame: _Frame) -> str:
    """The series above, a lane for each setting below."""
    metric = None if cause.metric is None else Metric(cause.metric)
    points = hours.points(SeriesKey(Dimension(cause.dimension), cause.series), metric, _POINTS)
    high = _CHART_HIGH + _GAP + len(done) * (_LANE_HIGH + 2) + _AXIS_HIGH
    lanes = [_lane(place, each, cause.cause, frame) for place, each in enumerate(done)]
    what = f"{(cause.metric or 'calls an hour').replace('_', ' ')}"
    where = f"{cause.dimension.replace('_', ' ')} {cause.series}" if cause.series else "all calls"
    label = escape(f"{what} of {where}, and when each setting alarmed", quote=True)
    drawn = [_axis(frame, high), _line(points, frame, is_rate=metric is not None), *lanes]
    return (
        f"<figure><figcaption>{escape(where)}<small>{escape(what)}</small></figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {high}" role="img" aria-label="{label}">{"".join(drawn)}</svg></figure>'
    )


def _line(points: Sequence[HourlyPoint], frame: _Frame, *, is_rate: bool) -> str:
    """The values as steps, with what the highest one is; a gap where there were no calls."""
    values = [point.value for point in points if point.value is not None]
    top = max(values, default=0.0) or 1.0
    ends_s = [*(point.at_s for point in points[1:]), frame.to_s]
    parts, is_open = [], False
    for point, end_s in zip(points, ends_s, strict=True):
        if point.value is None:
            is_open = False
            continue
        y = _CHART_HIGH - point.value / top * (_CHART_HIGH - 8)
        parts.append(f"{'L' if is_open else 'M'}{frame.x(point.at_s):.1f} {y:.1f}H{frame.x(end_s):.1f}")
        is_open = True
    said = f"{100 * top:.0f} %" if is_rate else f"{top:,.0f}"
    return (
        f'<line class="base" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_CHART_HIGH}" y2="{_CHART_HIGH}"/>'
        f'<text x="{_LEFT - 6}" y="12" text-anchor="end">{said}</text>'
        f'<text x="{_LEFT - 6}" y="{_CHART_HIGH}" text-anchor="end">0</text>'
        f'<path class="series" d="{"".join(parts)}"/>'
    )


def _lane(place: int, done: Backtest, cause: str, frame: _Frame) -> str:
    """When one setting alarmed: a bar in its lane, and its shade behind the series."""
    y = _CHART_HIGH + _GAP + place * (_LANE_HIGH + 2)
    color = f"s{place % _COLORS}"
    bars = [
        f'<rect class="lane" x="{_LEFT}" y="{y}" width="{_WIDTH - _LEFT - _RIGHT}" height="{_LANE_HIGH}"/>'
    ]
    for episode in (each for each in done.episodes if each.cause == cause):
        x, to_x = (frame.x(at_s) for at_s in _span(episode, frame))
        width = max(2.0, to_x - x)
        said = escape(f"{done.name}: {_minute(episode.found)} to {_ended(episode)}. {episode.message}")
        bars.append(
            f'<rect class="shade {color}" x="{x:.1f}" y="2" width="{width:.1f}" height="{_CHART_HIGH - 2}"/>'
            f'<rect class="{color}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_LANE_HIGH}">'
            f"<title>{said}</title></rect>"
        )
    name = f'<text x="{_LEFT - 6}" y="{y + _LANE_HIGH - 2}" text-anchor="end">{_letter(place)}</text>'
    return name + "".join(bars)


def _axis(frame: _Frame, high: int) -> str:
    """A few round instants, with their days or hours."""
    step_s = next(
        (each for each in _TICK_STEPS_S if (frame.to_s - frame.from_s) / each <= _TICKS), _DAY_S * 56
    )
    first_s = -(-frame.from_s // step_s) * step_s
    ticks = []
    for at_s in range(first_s, frame.to_s + 1, step_s):
        x, moment = frame.x(at_s), datetime.fromtimestamp(at_s, UTC)
        said = moment.strftime("%d %b" if step_s >= _DAY_S or moment.hour == 0 else "%H:%M")
        bottom = high - _AXIS_HIGH
        ticks.append(
            f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{bottom}"/>'
            f'<text x="{x:.1f}" y="{high - 4}" text-anchor="middle">{said}</text>'
        )
    return "".join(ticks)


# ------------------------------------------------------------------------------------------- the lists


def _list(place: int, done: Backtest) -> str:
    head = f"<h3>{_key(place)}{escape(done.name)}</h3>"
    if not done.episodes:
        return f'<section class="setting">{head}<p>No alerts.</p></section>'
    return f'<section class="setting">{head}<ol>{"".join(_items(done.episodes))}</ol></section>'


def _items(episodes: Iterable[Episode]) -> Iterable[str]:
    for each in episodes:
        span = f"{_minute(each.found)} to {_ended(each)}"
        yield f"<li><time>{span}</time> {escape(each.message)}</li>"


def _ended(episode: Episode) -> str:
    return "the end" if episode.ended is None else _minute(episode.ended)


def _minute(instant: str) -> str:
    return instant[:_MINUTE].replace("T", " ")
