"""Files that are made from the definitions of the metrics."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from calltally.web.metrics.definitions import DEFINITIONS, PROCESS_DEFINITIONS
from tools.observability.__main__ import ROOT, files
from tools.observability.rules import RULES

_METRIC: Final = re.compile(r"\b(?:calltally|process)_[a-z_]+")
_OF_HISTOGRAMS: Final = re.compile(r"_(?:bucket|sum|count)$")
# Queries of panels, and expressions and inputs of rules.
_QUERIES: Final = re.compile(r'"(?:expr|query)": "(.*)"|(?:expr|series): (.*)')


def queried(path: str) -> set[str]:
    """Return the names of the metrics in a generated file's queries."""
    found = _QUERIES.findall((ROOT / path).read_text())
    names = _METRIC.findall(" ".join(first or second for first, second in found))
    return {_OF_HISTOGRAMS.sub("", name) for name in names}


@pytest.mark.parametrize("path", files(), ids=str)
def test_generated_files_are_current(path: Path) -> None:
    """`make pages` writes them."""
    assert (ROOT / path).read_text() == files()[path]


def test_rules_and_panels_name_metrics_that_there_are() -> None:
    defined = {each.name for each in (*DEFINITIONS, *PROCESS_DEFINITIONS)}
    for path in ("deploy/prometheus/alerts.yml", "deploy/prometheus/alerts_test.yml"):
        assert len(queried(path) & defined) > 10
        assert queried(path) <= defined
    assert queried("deploy/grafana/calltally.json") <= defined


def test_the_dashboard_shows_each_metric_of_the_service() -> None:
    assert {each.name for each in DEFINITIONS} <= queried("deploy/grafana/calltally.json")


def test_panels_do_not_overlap() -> None:
    positions = [
        each["gridPos"] for each in json.loads(files()[Path("deploy/grafana/calltally.json")])["panels"]
    ]
    cells = [
        (x, y)
        for at in positions
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_each_alert_links_to_its_section() -> None:
    headings = re.findall(
        r"^### (\w+)$", (ROOT / "docs/how-to/watch-the-service.md").read_text(), re.MULTILINE
    )
    assert headings == [rule.name for rule in RULES]
    links = re.findall(
        r"watch-the-service#(\w+)$", (ROOT / "deploy/prometheus/alerts.yml").read_text(), re.MULTILINE
    )
    assert links == [name.lower() for name in headings]
