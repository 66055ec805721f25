"""Table of the quality page, for exact numbers and for browsers without scripts.

Built as HTML in Python: a table has thousands of numbers, and a template takes several times as long.
"""

from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

from calltally.analytics.schemas import CallGroup, QualityReport, RateDifference, RateSummary
from calltally.web.dashboard.calls.links import calls_of, calls_url
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import DASH, grouped, interval, percent, points
from calltally.web.dashboard.quality.query import QualityPageQuery

# More rows are slow to build and to lay out; the CSV file has all.
MAX_ROWS: Final = 200
_FEW: Final = f' class="few" title="{text("small_sample")}"'


def rows_of(page_query: QualityPageQuery, report: QualityReport) -> Markup:
    return Markup("".join([_row(page_query, group) for group in report.data[:MAX_ROWS]]))  # noqa: S704 (escaped)


def total_row(page_query: QualityPageQuery, report: QualityReport) -> Markup:
    return Markup(_cells(page_query, report.total))  # noqa: S704 (escaped)


def _row(page_query: QualityPageQuery, group: CallGroup) -> str:
    names = (DASH if value is None else value for value in group.key.values())
    named = "".join([f'<td class="steady">{escape(name)}</td>' for name in names])
    return f"<tr>{named}{_cells(page_query, group)}</tr>\n"


def _cells(page_query: QualityPageQuery, group: CallGroup) -> str:
    """Return the number of calls, linked to their list if possible, and the rates."""
    key = {name: value for name, value in group.key.items() if name != page_query.step}
    calls, count = calls_of(key, page_query.filters), grouped(group.counts["attempts"])
    if calls is not None:
        count = f'<a href="{escape(calls_url(calls, group.from_, group.to))}">{count}</a>'
    figures = "".join([_figure(rate, group) for rate in page_query.rates])
    return f'<td class="number">{count}</td>\n  {figures}'


def _figure(rate: str, group: CallGroup) -> str:
    """Return the cell of one rate. Its numbers need no escaping."""
    value, more = _rate_html(group.rates[rate])
    changed = _changed(group.compared.differences[rate]) if group.compared else ""
    return f'<td class="number">{value}{changed}{more}</td>'


# Cached: hours with few calls have equal rates.
@lru_cache(maxsize=8_192)
def _rate_html(rate: RateSummary) -> tuple[str, str]:
    """Return the HTML before and after the difference."""
    made_of = f"<small>{rate.numerator:,} / {rate.denominator:,}</small>"
    if rate.value is None:
        return f"<b>{DASH}</b>", f" <small></small> {made_of}"
    few = _FEW if rate.small_sample else ""
    more = f" <small>{interval(rate.low, rate.high)}</small> {made_of}"
    return f"<b{few}>{percent(rate.value)}</b>", more


@lru_cache(maxsize=8_192)
def _changed(change: RateDifference) -> str:
    if change.value is None:
        return ""
    news = ' class="news"' if change.more_than_chance else ""
    return f" <span{news}>{points(change.value)}</span>"
