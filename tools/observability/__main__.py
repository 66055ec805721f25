"""Writes the files that are made from the metrics' definitions: `python -m tools.observability`."""

from pathlib import Path
from typing import Final

from tools.observability.metrics_page import with_table

ROOT: Final = Path(__file__).parents[2]
_PAGE: Final = Path("docs/reference/prometheus-metrics.md")


def files() -> dict[Path, str]:
    """Return the text of every generated file, by its path from the root."""
    return {_PAGE: with_table((ROOT / _PAGE).read_text())}


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
