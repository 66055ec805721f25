"""CSV reader that isolates broken rows.

An unclosed quote would swallow the following rows. So a row over several lines must have as many fields as
the rows before it; otherwise only its first line is unreadable. A last line without a line end may be cut
inside a value, so it must have as many fields, too.
"""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from calltally.providers.callback import UnreadableRecord

# A row of a switch is one line; free text contains a few line breaks.
_MAX_LINES: Final = 50
# Below the field size limit of the standard library.
_MAX_CHARS: Final = 100_000
_BOM: Final = "\ufeff"
_NUL: Final = "\0"

Cells: TypeAlias = list[str]


class TableLayout(NamedTuple):
    """Encoding and delimiters of a table."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    # The writer ends each line. A line without an end is incomplete or still being written.
    ends_lines: bool = False


class TableRow(NamedTuple):
    """One row: its first line number, and its fields."""

    line: int
    cells: Cells


class _Line(NamedTuple):
    number: int
    text: str


def rows(lines: Iterable[bytes], layout: TableLayout) -> Iterator[TableRow | UnreadableRecord]:
    """Yield each row that is not empty, or the reason why it is unreadable."""
    waiting: list[_Line | UnreadableRecord] = []
    numbered = _texts(lines, layout.encoding)
    width = 0
    while line := waiting.pop(0) if waiting else next(numbered, None):
        if isinstance(line, UnreadableRecord):
            yield line
            continue
        if line.text.count(layout.quote) % 2:
            waiting += islice(numbered, _MAX_LINES - len(waiting))
            row = _multiline_row(line, waiting, width, layout)
        else:
            row = _row(line, width, layout)
        width = len(row.cells) if isinstance(row, TableRow) else width
        yield row


def _texts(lines: Iterable[bytes], encoding: str) -> Iterator[_Line | UnreadableRecord]:
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as fault:
            yield UnreadableRecord(
                f"line {number}", f"not {encoding}: {fault.reason} at byte {fault.start + 1}"
            )
            continue
        # A machine that loses power leaves a run of NULs at the end of its writes.
        text = text.removeprefix(_BOM).lstrip(_NUL)
        if text.strip():
            yield _Line(number, text)


def _row(line: _Line, width: int, layout: TableLayout) -> TableRow | UnreadableRecord:
    if len(line.text) > _MAX_CHARS:
        return UnreadableRecord(f"line {line.number}", f"longer than {_MAX_CHARS} characters")
    if _NUL in line.text:
        return UnreadableRecord(f"line {line.number}", "contains NUL characters")
    cells = _cells(line.text, layout)
    if layout.ends_lines and not line.text.endswith("\n"):
        return UnreadableRecord(
            f"line {line.number}", "has no line end: the row is truncated, or is still being written"
        )
    if width and len(cells) != width and not line.text.endswith("\n"):
        return UnreadableRecord(
            f"line {line.number}",
            f"has {len(cells)} fields, not {width}, and no line end: the row is truncated",
        )
    return TableRow(line.number, cells)


def _multiline_row(
    line: _Line, waiting: list[_Line | UnreadableRecord], width: int, layout: TableLayout
) -> TableRow | UnreadableRecord:
    """Return the row that starts on `line`, and remove its further lines from `waiting`."""
    text = line.text
    for taken, more in enumerate(waiting, start=1):
        if isinstance(more, UnreadableRecord) or len(text) > _MAX_CHARS:
            break
        text += more.text
        if text.count(layout.quote) % 2 == 0:
            row = _row(_Line(line.number, text), width, layout)
            if isinstance(row, UnreadableRecord) or (width and len(row.cells) != width):
                break
            del waiting[:taken]
            return row
    return UnreadableRecord(f"line {line.number}", "a quote is opened and not closed: the row is truncated")


def _cells(text: str, layout: TableLayout) -> Cells:
    text = text.rstrip("\r\n")
    if layout.quote not in text:
        return text.split(layout.delimiter)
    return next(csv.reader((text,), delimiter=layout.delimiter, quotechar=layout.quote), [])
