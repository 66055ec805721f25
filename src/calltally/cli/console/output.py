"""How commands print data: JSON for programs, columns for people."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
import typer

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: object) -> None:
    """Anything that JSON can say, indented."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_rows(rows: Sequence[msgspec.Struct], *, as_json: bool) -> None:
    """One line a row under a line of names; nothing where there are no rows."""
    if as_json:
        print_json(rows)
    elif rows:
        table = [
            rows[0].__struct_fields__,
            *([_cell(value) for value in msgspec.structs.astuple(row)] for row in rows),
        ]
        widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
        for row in table:
            typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:  # noqa: ANN401 (whatever a field of a row may be)
    if value is None or value in ("", ()):
        return "-"
    return " ".join(value) if isinstance(value, tuple) else str(value)
