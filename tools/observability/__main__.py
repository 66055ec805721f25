"""Writes the files that are made from the metrics' definitions: `python -m tools.observability`."""

from pathlib import Path
from typing import Final

from tools.observability.dashboard import dashboard_file
from tools.observability.metrics_page import with_table
from tools.observability.rule_files import rules_file, tests_file, with_sections

ROOT: Final = Path(__file__).parents[2]
_HOW_TO: Final = Path("docs/how-to/watch-the-service.md")
_PAGE: Final = Path("docs/reference/prometheus-metrics.md")


def files() -> dict[Path, str]:
    """Return the text of every generated file, by its path from the root."""
    return {
        _PAGE: with_table((ROOT / _PAGE).read_text()),
        _HOW_TO: with_sections((ROOT / _HOW_TO).read_text()),
        Path("deploy/prometheus/alerts.yml"): rules_file(),
        Path("deploy/prometheus/alerts_test.yml"): tests_file(),
        Path("deploy/grafana/calltally.json"): dashboard_file(),
    }


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
