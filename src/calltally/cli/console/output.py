"""Output of data: JSON for programs, columns for people."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec
import typer

T = TypeVar("T")
COLUMN_GAP: Final = "  "


def print_json(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_result(value: T, print_text: Callable[[T], object], *, as_json: bool) -> None:
    """Print a result as JSON, or as text by `print_text`."""
    if as_json:
        print_json(value)
    else:
        print_text(value)


def print_rows(rows: Sequence[msgspec.Struct], *, as_json: bool) -> None:
    """Print a table with a header line, or JSON; print nothing without rows."""
    if as_json:
        print_json(rows)
    elif rows:
        cells = [[_cell(value) for value in msgspec.structs.astuple(row)] for row in rows]
        for line in aligned([rows[0].__struct_fields__, *cells]):
            typer.echo(line)


def _cell(value: Any) -> str:  # noqa: ANN401 (a field of a row has any type)
    if value is None or value in ("", ()):
        return "-"
    return " ".join(value) if isinstance(value, tuple) else str(value)


def column_widths(table: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of the widest cell of each column."""
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def aligned(table: Sequence[Sequence[str]], *, left: int | None = None) -> Iterator[str]:
    """Yield the lines of a table. The first `left` columns, or all, are left-aligned, the others right."""
    widths = column_widths(table)
    for row in table:
        cells = [
            cell.ljust(width) if left is None or column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield COLUMN_GAP.join(cells).rstrip()
