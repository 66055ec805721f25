"""The one table that is printed: what, ours, what it is held against, the ratio, the target, met or not."""

from collections.abc import Sequence
from typing import Final, NamedTuple

HEADINGS: Final = ("what", "ours", "held against", "ratio", "target", "")
_NO_RATIO: Final = "-"


class Row(NamedTuple):
    """One line. `met` is None for what is context and has no target."""

    what: str
    ours: str
    against: str
    ratio: str
    target: str
    met: bool | None
    failed: bool = False

    @property
    def verdict(self) -> str:
        """The last column."""
        if self.failed:
            return "ERROR"
        return {None: "", True: "met", False: "MISSED"}[self.met]


class Limit(NamedTuple):
    """How many times, and where that comes from."""

    times: float
    note: str = ""


def pro_rata(times: float, have: int, whole: int, words: str) -> Limit:
    """A target that was set for `whole` and grows with the data, on what there is of it."""
    if have >= whole:
        return Limit(times)
    return Limit(times * have / whole, f" ({times:g}x at {words})")


def at_most(what: str, ours: str, against: str, *, ratio: float, limit: float) -> Row:
    """A ratio of costs, ours to theirs, that must not exceed `limit`."""
    return Row(what, ours, against, f"{ratio:.2f}x", f"at most {limit:g}x", ratio <= limit)


def at_least(what: str, ours: str, against: str, *, ratio: float, limit: Limit) -> Row:
    """How many times better ours must be."""
    text = f"{ratio:.2f}x" if ratio < 10 else f"{ratio:,.0f}x"  # noqa: PLR2004 - digits that mean something
    return Row(what, ours, against, text, f"at least {limit.times:.3g}x{limit.note}", ratio >= limit.times)


def within(what: str, ours: str, *, against: str = _NO_RATIO, target: str, met: bool) -> Row:
    """A figure with a limit of its own."""
    return Row(what, ours, against, _NO_RATIO, target, met)


def context(what: str, ours: str, against: str, ratio: str = _NO_RATIO) -> Row:
    """A figure that explains others."""
    return Row(what, ours, against, ratio, _NO_RATIO, None)


def failure(what: str, reason: str) -> Row:
    """A line that could not be measured, and why: never a pass."""
    return Row(what, reason, _NO_RATIO, _NO_RATIO, _NO_RATIO, None, failed=True)


def render(rows: Sequence[Row]) -> str:
    """The lines of the table, as Markdown that also reads well as it is."""
    cells = [HEADINGS, *((*row[:5], row.verdict) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])


def micros(seconds: float) -> str:
    """A short time for people."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 0.01:  # noqa: PLR2004 - digits that mean something
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds * 1e6:,.0f} us"
