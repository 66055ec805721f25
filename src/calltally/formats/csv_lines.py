"""CSV as in RFC 4180: a header line, CRLF, quotes where needed; UTF-8, columns in a fixed order.

The lines are built column by column, without the standard library's writer: it checks every character, which
would double the time of an export.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby, repeat
from typing import Final, TypeAlias, cast
from zoneinfo import ZoneInfo

from calltally.calls.phone import is_e164, normalise_number
from calltally.formats.columns import COLUMNS, Column, ColumnReader, Kind, is_unknown

# A spreadsheet evaluates cells that start with these characters as formulas, and a caller may have dictated
# the text.
_FORMULA_BEGINS: Final = frozenset("=+-@\t\r")
_GUARD: Final = "'"
_DIGITS: Final = re.compile(r"\+[0-9]+")
_WATCHED: Final = _FORMULA_BEGINS | {_GUARD}
_QUOTED: Final = ('"', ",", "\r", "\n")
# Joins the cells of a column, so that they are searched as one text. No record contains it.
_BETWEEN: Final = "\0"
_NUMBERS: Final = re.compile(rf"(?:\+[0-9]+(?!\+)|{_BETWEEN})*")
_SEPARATOR: Final = _BETWEEN.encode()
_NULL: Final = "null"
_WORDS_OF_FLAG: Final = {True: "true", False: "false", None: ""}
# Times are cut to the minute, because no zone changes its offset within a minute.
_MINUTE: Final = len("2026-10-01T09:30")

# The cells of a column; one text if all are equal.
Cells: TypeAlias = Sequence[str] | str


def guard(text: str) -> str:
    """Return `text`, with an apostrophe in front if a spreadsheet would read it as a formula.

    A phone number with a plus sign stays as it is. A text of apostrophes and then a formula gets
    one more, so that removing one apostrophe from any such cell restores its text.
    """
    if text[0] == "+" and (_DIGITS.fullmatch(text) or is_e164(normalise_number(text))):
        return text
    begins = text.lstrip(_GUARD)[:1]
    return _GUARD + text if begins in _FORMULA_BEGINS else text


def unguard(text: str) -> str:
    """Return the text of a guarded cell, without the apostrophe of `guard`."""
    is_guarded = text.startswith(_GUARD) and text.lstrip(_GUARD)[:1] in _FORMULA_BEGINS
    return text[len(_GUARD) :] if is_guarded else text


class CsvLines:
    """Writer of CSV: times in UTC or in `zone`, nested values as compact JSON, null as an empty cell."""

    def __init__(self, zone: ZoneInfo | None = None) -> None:
        self._reader = ColumnReader()
        cells_of: Mapping[Kind, Callable[[Column], Cells]] = {
            Kind.WORD: _words,
            Kind.TEXT: _texts,
            Kind.INSTANT: _LocalTimes(zone).cells if zone else _words,
            Kind.INTEGER: lambda column: ["" if value is None else str(value) for value in column],
            Kind.FLAG: lambda column: [_WORDS_OF_FLAG[value] for value in column],
            Kind.NESTED: _json,
        }
        self._cells_of = [cells_of[kind] for kind in COLUMNS.values()]

    def begin(self) -> bytes:
        return ",".join(COLUMNS).encode() + b"\r\n"

    def add(self, records: bytes) -> bytes:
        columns = self._reader.read(records)
        cells = [
            "" if is_unknown(column) else make(column)
            for make, column in zip(self._cells_of, columns, strict=True)
        ]
        lines = map(",".join, zip(*_together(cells, len(columns[0])), strict=True))
        return "\r\n".join((*lines, "")).encode()

    def end(self) -> bytes:
        return b""


def _together(cells: Iterable[Cells], rows: int) -> Iterator[Iterable[str]]:
    """Yield the columns. Adjacent constant columns, a third of all on most pages, are joined into one."""
    for is_alike, group in groupby(cells, lambda each: isinstance(each, str)):
        if is_alike:
            yield repeat(",".join(cast("Iterable[str]", group)), rows)
        else:
            yield from group


def _words(column: Column) -> list[str]:
    return ["" if value is None else value for value in column]


def _texts(column: Column) -> Cells:
    texts = _words(column)
    # Most columns need neither guards nor quotes: one search over all cells shows it.
    together = _BETWEEN.join(texts)
    if not _WATCHED.isdisjoint({text[:1] for text in texts}) and not _NUMBERS.fullmatch(together):
        texts = [guard(text) if text[:1] in _WATCHED else text for text in texts]
    if any(char in together for char in _QUOTED):
        texts = [_quoted(text) for text in texts]
    return texts


def _quoted(text: str) -> str:
    if '"' in text or "," in text or "\n" in text or "\r" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _json(column: Column) -> Cells:
    if None in column:
        return [_json_cell(_NULL if value is None else str(value, "utf-8")) for value in column]
    first = bytes(column[0])
    together = _SEPARATOR.join(column)
    if together == _SEPARATOR.join([first] * len(column)):
        return _json_cell(first.decode())
    doubled = together.decode().replace('"', '""').split(_BETWEEN)
    # Nearly all values are objects, which contain quotes. Quoting them here saves a function call per cell.
    return [f'"{text}"' if '"' in text else _json_cell(text) for text in doubled]


def _json_cell(text: str) -> str:
    return "" if text == _NULL else _quoted(text)


class _LocalTimes:
    """Converter of record times (UTC, six decimals, Z) to a zone, with its offset at that time."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._minute = lru_cache(maxsize=4_096)(self._minute_and_offset)

    def cells(self, column: Column) -> Cells:
        return ["" if text is None else self._local(text) for text in column]

    def _local(self, text: str) -> str:
        minute, offset = self._minute(text[:_MINUTE])
        return f"{minute}{text[_MINUTE:-1]}{offset}"

    def _minute_and_offset(self, minute: str) -> tuple[str, str]:
        local = datetime.fromisoformat(f"{minute}+00:00").astimezone(self._zone).isoformat(timespec="minutes")
        return local[:_MINUTE], local[_MINUTE:]
