"""The same numbers as a table: for whoever reads numbers, and where no script runs.

As HTML, since a table has thousands of figures, and a template takes several times as long.
"""

from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

from calltally.analytics.schemas import DifferenceShown, GroupShown, QualityShown, RateShown
from calltally.web.dashboard.call_format import DASH
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.number_format import grouped, interval, percent, points
from calltally.web.dashboard.quality.call_links import calls_of, calls_url
from calltally.web.dashboard.quality.query import QualityPageQuery

# A page of more is slow to make and to lay out; the file has them all.
MOST_ROWS: Final = 200
_FEW: Final = f' class="few" title="{text("small_sample")}"'


def rows_of(asked: QualityPageQuery, shown: QualityShown) -> Markup:
    """The rows of the table, in the order of the API."""
    return Markup("".join([_row(asked, group) for group in shown.data[:MOST_ROWS]]))  # noqa: S704 (escaped)


def total_row(asked: QualityPageQuery, shown: QualityShown) -> Markup:
    """All of them together: the cells behind the name of the row."""
    return Markup(_cells(asked, shown.total))  # noqa: S704 (escaped)


def _row(asked: QualityPageQuery, group: GroupShown) -> str:
    names = (DASH if value is None else value for value in group.key.values())
    named = "".join([f'<td class="steady">{escape(name)}</td>' for name in names])
    return f"<tr>{named}{_cells(asked, group)}</tr>\n"


def _cells(asked: QualityPageQuery, group: GroupShown) -> str:
    """How many calls, as a link to their list where there is one, and the rates."""
    key = {name: value for name, value in group.key.items() if name != asked.step}
    calls, count = calls_of(key, asked.filters), grouped(group.counts["attempts"])
    if calls is not None:
        count = f'<a href="{escape(calls_url(calls, group.from_, group.to))}">{count}</a>'
    figures = "".join([_figure(rate, group) for rate in asked.rates])
    return f'<td class="number">{count}</td>\n  {figures}'


def _figure(rate: str, group: GroupShown) -> str:
    """Numbers of our own writing, in which there is nothing to escape."""
    value, more = _rate_html(group.rates[rate])
    changed = _changed(group.compared.differences[rate]) if group.compared else ""
    return f'<td class="number">{value}{changed}{more}</td>'


# Hours of few calls are much alike.
@lru_cache(maxsize=8_192)
def _rate_html(shown: RateShown) -> tuple[str, str]:
    """What stands before the difference, and behind it."""
    made_of = f"<small>{shown.numerator:,} / {shown.denominator:,}</small>"
    if shown.value is None:
        return f"<b>{DASH}</b>", f" <small></small> {made_of}"
    few = _FEW if shown.small_sample else ""
    more = f" <small>{interval(shown.low, shown.high)}</small> {made_of}"
    return f"<b{few}>{percent(shown.value)}</b>", more


@lru_cache(maxsize=8_192)
def _changed(change: DifferenceShown) -> str:
    if change.value is None:
        return ""
    news = ' class="news"' if change.more_than_chance else ""
    return f" <span{news}>{points(change.value)}</span>"
