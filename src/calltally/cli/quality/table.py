"""Launch quality as lines of a terminal: one group a line, or every number of all calls."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

# The answer as the server's reference has it.
Body: TypeAlias = dict[str, Any]
Table: TypeAlias = list[list[str]]

_GAP: Final = "  "
# Of groups: those that one looks for first; the others come behind them, where there is room.
_FIRST: Final = (
    *("answer_rate", "failure_rate", "no_answer_rate", "provider_failure_rate", "completion_rate"),
    *("transfer_rate", "containment_rate", "short_call_rate"),
)
_NOTHING: Final = "-"
_WIDEST_NAME: Final = 24
_MINUTE: Final = len("2026-10-01T00:00")
_SECONDS: Final = len("2026-10-01T00:00:00")
# Below, a whole number of percent says too little.
_FEW_PERCENT: Final = 9.95
_INTERVAL: Final = "in brackets where a rate lies, 19 times of 20"
_SMALL: Final = "~ of fewer than 30 calls"
_CHANCE: Final = "* more than chance"


def quality_lines(body: Body, width: int, rates: Sequence[str] = ()) -> Iterator[str]:
    """The lines for a terminal of `width` columns; `rates` are those to show, of groups, if any are named."""
    yield from _heading(body)
    yield ""
    yield from (_groups(body, width, rates) if body["group_by"] else _whole(body, rates))
    yield ""
    yield "; ".join(_legend(body))
    if body["unmeasured"]:
        yield f"{body['unmeasured']:,} calls are in no number yet; run `calltally migrate`"


def _heading(body: Body) -> Iterator[str]:
    steps = f"; steps of time in {body['tz']}" if body["tz"] != "UTC" else ""
    yield f"Calls from {_span(body['window'])} UTC{steps}"
    if body["compared_window"] is not None:
        yield f"Against    {_span(body['compared_window'])} UTC"


def _span(window: Mapping[str, str]) -> str:
    """Its two ends, in UTC as they are told."""
    return " to ".join(window[end][:_MINUTE].replace("T", " ") for end in ("from", "to"))


def _legend(body: Body) -> Iterator[str]:
    yield _INTERVAL
    shown = [*body["data"], body["total"]] if body["group_by"] else [body["total"]]
    if any(
        rate["small_sample"] and rate["value"] is not None
        for each in shown
        for rate in each["rates"].values()
    ):
        yield _SMALL
    if body["compared_window"] is not None:
        yield "behind it the change in points"
        yield _CHANCE


# ------------------------------------------------------------------------------------------- by groups


def _groups(body: Body, width: int, wanted: Sequence[str]) -> Iterator[str]:
    """A line a group and one for all, with as many rates as there is room for."""
    if not body["data"]:
        yield "No calls."
        return
    rows = [*body["data"], body["total"]]
    table = _counted(rows, body["group_by"])
    names = list(wanted) or _in_order(body["total"]["rates"])
    shown = 0
    for name in names:
        column = [_short(name), *(_rate_cell(each, name) for each in rows)]
        wider = [[*row, cell] for row, cell in zip(table, column, strict=True)]
        if shown and _width(wider) > width:
            break
        table, shown = wider, shown + 1
    yield from _lines(table, left=len(body["group_by"]))
    if shown < len(names):
        yield f"and {len(names) - shown} rates more: name some with --rate, or take --format json or csv"


def _counted(rows: Sequence[Body], keys: Sequence[str]) -> Table:
    """The names of the groups with their calls; open ones, which are in no rate, where there are any."""
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
    first = [name for name in _FIRST if name in rates]
    return [*first, *(name for name in rates if name not in first)]


def _name(key: str, value: str | None) -> str:
    """A group's name; of an hour the local time with its offset, since clocks go through some twice."""
    if value is None:
        return _NOTHING
    if key == "hour":
        return f"{value[:_MINUTE].replace('T', ' ')} {value[_SECONDS:]}"
    return value if len(value) <= _WIDEST_NAME else f"{value[: _WIDEST_NAME - 1]}…"


def _rate_cell(group: Body, name: str) -> str:
    """`61.2 % (58-64)`, with `~` for a small sample, and how it changed."""
    rate = group["rates"][name]
    if rate["value"] is None:
        return _NOTHING
    small = "~" if rate["small_sample"] else ""
    cell = f"{small}{_percent(rate['value'])} % {_interval(rate)}"
    return f"{cell} {_change(group['compared'], name)}" if group["compared"] else cell


def _change(compared: Body, name: str) -> str:
    change = compared["differences"][name]
    if change["value"] is None:
        return _NOTHING
    # Without the sign of a zero.
    points = round(100 * change["value"], 1) or 0.0
    return f"{points:+.1f}{'*' if change['more_than_chance'] else ' '}"


def _percent(part: float) -> str:
    return f"{100 * part:.1f}" if part < 1 else "100"


def _interval(rate: Body) -> str:
    """`(58-64)`, to a tenth where that says something."""
    bounds = [100 * rate[end] for end in ("low", "high")]
    return f"({'-'.join(f'{each:.1f}' if each < _FEW_PERCENT else f'{each:.0f}' for each in bounds)})"


# ------------------------------------------------------------------------------------------- all calls


def _whole(body: Body, wanted: Sequence[str]) -> Iterator[str]:
    """Every number: counts, rates with what they are made of, and times."""
    total = body["total"]
    yield from _lines(_counts(total), left=1)
    yield ""
    yield from _lines(_rates(total, list(wanted) or list(total["rates"])), left=1)
    yield ""
    yield from _lines(_times(total), left=1)


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
    table = [["rate", "value", "lies in", "of", *(["before", "change"] if compared else [])]]
    for name in names:
        rate = total["rates"][name]
        table.append([_short(name), *_rate_row(rate)])
        if compared:
            before = compared["rates"][name]["value"]
            was = _NOTHING if before is None else f"{_percent(before)} %"
            table[-1] += [was, _change(compared, name)]
    return table


def _rate_row(rate: Body) -> list[str]:
    made_of = f"{rate['numerator']:,}/{rate['denominator']:,}"
    if rate["value"] is None:
        return [_NOTHING, _NOTHING, made_of]
    small = "~" if rate["small_sample"] else ""
    return [f"{small}{_percent(rate['value'])} %", _interval(rate), made_of]


def _times(total: Body) -> Table:
    head = ["time (s)", "calls", "average", "p50", "p90", "p99"]
    rows = [
        [name.replace("_", " "), f"{each['calls']:,}", *(_second(each[part]) for part in head[2:])]
        for name, each in total["seconds"].items()
    ]
    return [head, *rows]


def _second(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.1f}"


# ------------------------------------------------------------------------------------------- columns


def _widths(table: Table) -> list[int]:
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def _width(table: Table) -> int:
    widths = _widths(table)
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _lines(table: Table, *, left: int) -> Iterator[str]:
    """The first `left` columns begin alike, numbers end alike."""
    widths = _widths(table)
    for row in table:
        cells = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield _GAP.join(cells).rstrip()
