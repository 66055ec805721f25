"""Output of data: JSON for programs, columns for people."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
import typer

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: object) -> None:
    """Print a value as indented JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_rows(rows: Sequence[msgspec.Struct], *, as_json: bool) -> None:
    """Print a table with a header line, or JSON; print nothing without rows."""
    if as_json:
        print_json(rows)
    elif rows:
        table = [
            rows[0].__struct_fields__,
            *([_cell(value) for value in msgspec.structs.astuple(row)] for row in rows),
        ]
        widths = [max(len(row[index]) for row in table) for index in range(len(table[0]))]
        for row in table:
            typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:  # noqa: ANN401 (a field of a row has any type)
    if value is None or value in ("", ()):
        return "-"
    return " ".join(value) if isinstance(value, tuple) else str(value)
