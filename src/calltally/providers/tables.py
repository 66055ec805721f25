"""Tables of text (CSV) row by row, so that a row that is spoilt costs no other.

A quote that was never closed would swallow the rows behind it; so a row over several lines has to come out as
wide as the rows before it, or only its first line is refused. A last line without an end may be cut in a
value, where no count of fields shows it; it has to be as wide too.
"""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from calltally.providers.callback import Refusal

# A row of a switch is one line; free text has a few breaks in it.
_MOST_LINES: Final = 50
# Below what the standard library takes for one field.
_MOST_CHARS: Final = 100_000
_MARK: Final = "\ufeff"
_NUL: Final = "\0"

Cells: TypeAlias = list[str]


class Layout(NamedTuple):
    """How a table is written."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    # Whoever writes it ends each line: one without an end is being written, or was cut in its last value.
    ends_lines: bool = False


class Row(NamedTuple):
    """One row: the line on which it begins, and its fields."""

    line: int
    cells: Cells


class _Line(NamedTuple):
    number: int
    text: str


def rows(lines: Iterable[bytes], layout: Layout) -> Iterator[Row | Refusal]:
    """Each row that has something in it, or why it cannot be read."""
    waiting: list[_Line | Refusal] = []
    numbered = _texts(lines, layout.encoding)
    width = 0
    while line := waiting.pop(0) if waiting else next(numbered, None):
        if isinstance(line, Refusal):
            yield line
            continue
        if line.text.count(layout.quote) % 2:
            waiting += islice(numbered, _MOST_LINES - len(waiting))
            row = _joined(line, waiting, width, layout)
        else:
            row = _row(line, width, layout)
        width = len(row.cells) if isinstance(row, Row) else width
        yield row


def _texts(lines: Iterable[bytes], encoding: str) -> Iterator[_Line | Refusal]:
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as fault:
            yield Refusal(f"line {number}", f"not {encoding}: {fault.reason} at byte {fault.start + 1}")
            continue
        # A machine that lost its power leaves a run of NULs where it was writing.
        text = text.removeprefix(_MARK).lstrip(_NUL)
        if text.strip():
            yield _Line(number, text)


def _row(line: _Line, width: int, layout: Layout) -> Row | Refusal:
    if len(line.text) > _MOST_CHARS:
        return Refusal(f"line {line.number}", f"longer than {_MOST_CHARS} characters")
    if _NUL in line.text:
        return Refusal(f"line {line.number}", "holds NUL characters")
    cells = _cells(line.text, layout)
    if layout.ends_lines and not line.text.endswith("\n"):
        return Refusal(f"line {line.number}", "has no end: the row was cut, or is not written yet")
    if width and len(cells) != width and not line.text.endswith("\n"):
        return Refusal(
            f"line {line.number}", f"has {len(cells)} fields, not {width}, and no end: the row was cut"
        )
    return Row(line.number, cells)


def _joined(line: _Line, waiting: list[_Line | Refusal], width: int, layout: Layout) -> Row | Refusal:
    """The row that begins on `line` and goes on in `waiting`, from which it takes what is its own."""
    text = line.text
    for taken, more in enumerate(waiting, start=1):
        if isinstance(more, Refusal) or len(text) > _MOST_CHARS:
            break
        text += more.text
        if text.count(layout.quote) % 2 == 0:
            row = _row(_Line(line.number, text), width, layout)
            if isinstance(row, Refusal) or (width and len(row.cells) != width):
                break
            del waiting[:taken]
            return row
    return Refusal(f"line {line.number}", "a quote is opened and not closed: the row was cut")


def _cells(text: str, layout: Layout) -> Cells:
    text = text.rstrip("\r\n")
    if layout.quote not in text:
        return text.split(layout.delimiter)
    return next(csv.reader((text,), delimiter=layout.delimiter, quotechar=layout.quote), [])
