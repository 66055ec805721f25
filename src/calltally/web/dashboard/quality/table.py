"""The same numbers as a table: for whoever reads numbers, and where no script runs."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.analytics.answering import GroupShown, QualityShown
from calltally.web.dashboard.english import text
from calltally.web.dashboard.figures import grouped, interval, percent, points
from calltally.web.dashboard.quality.behind import calls_of, calls_url
from calltally.web.dashboard.quality.question import Asked
from calltally.web.dashboard.shown import DASH

# A page of more is slow to lay out; the file has them all.
MOST_ROWS: Final = 400


class Figure(NamedTuple):
    """One rate of one row. `changed` is the difference to the baseline, `is_news` if more than chance."""

    value: str
    interval: str
    made_of: str
    is_small: bool
    changed: str
    is_news: bool


class Row(NamedTuple):
    """One group and step: its names, the list of its calls (None where there is none), and its rates."""

    names: list[str]
    calls: str
    path: str | None
    figures: list[Figure]

    @property
    def cells(self) -> str:
        """The figures as HTML: a table has thousands, and a template takes several times as long."""
        return "".join(map(_cell, self.figures))


def rows_of(asked: Asked, shown: QualityShown) -> list[Row]:
    """The rows of the table, in the order of the API."""
    return [_row(asked, group) for group in shown.data[:MOST_ROWS]]


def total_row(asked: Asked, shown: QualityShown) -> Row:
    """All of them together."""
    return _row(asked, shown.total)


def _row(asked: Asked, group: GroupShown) -> Row:
    key = {name: value for name, value in group.key.items() if name != asked.step}
    calls = calls_of(key, asked.filters)
    return Row(
        names=[value if value is not None else DASH for value in group.key.values()],
        calls=grouped(group.counts["attempts"]),
        path=None if calls is None else calls_url(calls, group.from_, group.to),
        figures=_figures(asked.rates, group),
    )


def _figures(rates: Sequence[str], group: GroupShown) -> list[Figure]:
    return [_figure(rate, group) for rate in rates]


def _figure(rate: str, group: GroupShown) -> Figure:
    shown = group.rates[rate]
    change = group.compared.differences[rate] if group.compared else None
    return Figure(
        value=percent(shown.value),
        interval=interval(shown.low, shown.high),
        made_of=f"{grouped(shown.numerator)} / {grouped(shown.denominator)}",
        is_small=shown.small_sample and shown.value is not None,
        changed=points(change.value) if change and change.value is not None else "",
        is_news=bool(change and change.more_than_chance),
    )


def _cell(figure: Figure) -> str:
    """Numbers of our own writing, in which there is nothing to escape."""
    few = f' class="few" title="{text("small_sample")}"' if figure.is_small else ""
    news = ' class="news"' if figure.is_news else ""
    changed = f" <span{news}>{figure.changed}</span>" if figure.changed else ""
    more = f" <small>{figure.interval}</small> <small>{figure.made_of}</small>"
    return f'<td class="number"><b{few}>{figure.value}</b>{changed}{more}</td>'
