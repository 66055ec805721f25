"""Quality as a table for a terminal: one line per group, or all metrics of all calls."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from calltally.calls.plurals import counted
from calltally.cli.console.output import COLUMN_GAP, aligned, column_widths

# The response, as the server's reference defines it.
Body: TypeAlias = dict[str, Any]
Table: TypeAlias = list[list[str]]

# First columns of groups, by importance. Other rates follow if there is room.
_FIRST_RATES: Final = (
    *("answer_rate", "failure_rate", "no_answer_rate", "provider_failure_rate", "completion_rate"),
    *("transfer_rate", "containment_rate", "short_call_rate"),
)
_EMPTY: Final = "-"
_MAX_NAME_CHARS: Final = 24
_MINUTE_CHARS: Final = len("2026-10-01T00:00")
_SECOND_CHARS: Final = len("2026-10-01T00:00:00")
# Interval bounds below this are printed with a decimal.
_DECIMAL_BELOW: Final = 9.95
_INTERVAL: Final = "in brackets the 95 % confidence interval of a rate"
_SMALL: Final = "~ fewer than 30 calls"
_CHANCE: Final = "* more than chance"


def quality_lines(body: Body, width: int, rates: Sequence[str] = ()) -> Iterator[str]:
    """Yield the lines for a terminal of `width` columns; `rates` selects the rates if not empty."""
    yield from _heading(body)
    yield ""
    yield from (_groups(body, width, rates) if body["group_by"] else _whole(body, rates))
    yield ""
    yield "; ".join(_legend(body))
    if body["unmeasured"]:
        calls = counted(body["unmeasured"], "call is", "calls are")
        yield f"{calls} not included yet; run `calltally migrate`"


def _heading(body: Body) -> Iterator[str]:
    steps = f"; time steps in {body['tz']}" if body["tz"] != "UTC" else ""
    yield f"Calls from {_span(body['window'])} UTC{steps}"
    if body["compared_window"] is not None:
        yield f"Against    {_span(body['compared_window'])} UTC"


def _span(window: Mapping[str, str]) -> str:
    """Return the start and end of a window as text."""
    return " to ".join(window[end][:_MINUTE_CHARS].replace("T", " ") for end in ("from", "to"))


def _legend(body: Body) -> Iterator[str]:
    yield _INTERVAL
    groups = [*body["data"], body["total"]] if body["group_by"] else [body["total"]]
    if any(
        rate["small_sample"] and rate["value"] is not None
        for each in groups
        for rate in each["rates"].values()
    ):
        yield _SMALL
    if body["compared_window"] is not None:
        yield "after it the change in percentage points"
        yield _CHANCE


# ------------------------------------------------------------------------------------------- by groups


def _groups(body: Body, width: int, requested: Sequence[str]) -> Iterator[str]:
    """Yield a line per group and one for all calls, with as many rates as fit."""
    if not body["data"]:
        yield "No calls."
        return
    rows = [*body["data"], body["total"]]
    table = _counted(rows, body["group_by"])
    names = list(requested) or _in_order(body["total"]["rates"])
    included = 0
    for name in names:
        column = [_short(name), *(_rate_cell(each, name) for each in rows)]
        wider = [[*row, cell] for row, cell in zip(table, column, strict=True)]
        widths = column_widths(wider)
        if included and sum(widths) + len(COLUMN_GAP) * (len(widths) - 1) > width:
            break
        table, included = wider, included + 1
    yield from aligned(table, left=len(body["group_by"]))
    if included < len(names):
        yield f"and {len(names) - included} more rates: select with --rate, or use --format json or csv"


def _counted(rows: Sequence[Body], keys: Sequence[str]) -> Table:
    """Return the names of the groups and their calls, and the open calls if there are any."""
    counts = ["attempts", *(["open"] if rows[-1]["counts"]["open"] else [])]
    table = [[*keys, "calls", *counts[1:]]]
    for each in rows:
        names = (
            [_name(key, each["key"][key]) for key in keys] if each["key"] else ["all", *[""] * len(keys[1:])]
        )
        table.append([*names, *(f"{each['counts'][count]:,}" for count in counts)])
    return table


def _short(rate: str) -> str:
    return rate.removesuffix("_rate").replace("_", " ")


def _in_order(rates: Mapping[str, Any]) -> list[str]:
    first = [name for name in _FIRST_RATES if name in rates]
    return [*first, *(name for name in rates if name not in first)]


def _name(key: str, value: str | None) -> str:
    """Return a group's name. Hours have an offset, since a change of clocks repeats an hour."""
    if value is None:
        return _EMPTY
    if key == "hour":
        return f"{value[:_MINUTE_CHARS].replace('T', ' ')} {value[_SECOND_CHARS:]}"
    return value if len(value) <= _MAX_NAME_CHARS else f"{value[: _MAX_NAME_CHARS - 1]}…"


def _rate_cell(group: Body, name: str) -> str:
    """Return `61.2 % (58-64)`, with `~` for a small sample, and the change."""
    rate = group["rates"][name]
    if rate["value"] is None:
        return _EMPTY
    small = "~" if rate["small_sample"] else ""
    cell = f"{small}{_percent(rate['value'])} % {_interval(rate)}"
    return f"{cell} {_change(group['compared'], name)}" if group["compared"] else cell


def _change(compared: Body, name: str) -> str:
    change = compared["differences"][name]
    if change["value"] is None:
        return _EMPTY
    # Avoid a negative zero.
    points = round(100 * change["value"], 1) or 0.0
    return f"{points:+.1f}{'*' if change['more_than_chance'] else ' '}"


def _percent(part: float) -> str:
    return f"{100 * part:.1f}" if part < 1 else "100"


def _interval(rate: Body) -> str:
    """Return `(58-64)`, with a decimal for small bounds."""
    bounds = [100 * rate[end] for end in ("low", "high")]
    return f"({'-'.join(f'{each:.1f}' if each < _DECIMAL_BELOW else f'{each:.0f}' for each in bounds)})"


# ------------------------------------------------------------------------------------------- all calls


def _whole(body: Body, requested: Sequence[str]) -> Iterator[str]:
    """Yield all metrics: counts, rates with numerator and denominator, and durations."""
    total = body["total"]
    yield from aligned(_counts(total), left=1)
    yield ""
    yield from aligned(_rates(total, list(requested) or list(total["rates"])), left=1)
    yield ""
    yield from aligned(_times(total), left=1)


def _counts(total: Body) -> Table:
    compared = total["compared"]
    head = ["calls", "number", *(["before"] if compared else [])]
    rows = [
        [name.replace("_", " "), f"{count:,}", *([f"{compared['counts'][name]:,}"] if compared else [])]
        for name, count in total["counts"].items()
    ]
    return [head, *rows]


def _rates(total: Body, names: Sequence[str]) -> Table:
    compared = total["compared"]
    table = [["rate", "value", "interval", "of", *(["before", "change"] if compared else [])]]
    for name in names:
        rate = total["rates"][name]
        table.append([_short(name), *_rate_row(rate)])
        if compared:
            before = compared["rates"][name]["value"]
            previous = _EMPTY if before is None else f"{_percent(before)} %"
            table[-1] += [previous, _change(compared, name)]
    return table


def _rate_row(rate: Body) -> list[str]:
    fraction = f"{rate['numerator']:,}/{rate['denominator']:,}"
    if rate["value"] is None:
        return [_EMPTY, _EMPTY, fraction]
    small = "~" if rate["small_sample"] else ""
    return [f"{small}{_percent(rate['value'])} %", _interval(rate), fraction]


def _times(total: Body) -> Table:
    head = ["time (s)", "calls", "average", "p50", "p90", "p99"]
    rows = [
        [
            name.replace("_", " "),
            f"{each['calls']:,}",
            *(_EMPTY if each[part] is None else f"{each[part]:,.1f}" for part in head[2:]),
        ]
        for name, each in total["seconds"].items()
    ]
    return [head, *rows]
