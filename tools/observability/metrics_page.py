"""Table of all metrics in the reference page."""

import re
from collections.abc import Iterator
from typing import Final

from calltally.web.metrics.definitions import DEFINITIONS, PROCESS_DEFINITIONS, MetricDefinition

_TABLE: Final = re.compile(r"^\| metric \|.*?\n\n", re.MULTILINE | re.DOTALL)
_HEAD: Final = ("| metric | type | labels | unit | meaning |", "| --- | --- | --- | --- | --- |")


def with_table(page: str) -> str:
    """Return the page with the table of the definitions in place of its own."""
    text, count = _TABLE.subn("\n".join([*_HEAD, *_rows()]).replace("\\", r"\\") + "\n\n", page, count=1)
    if not count:
        message = "the page has no table of metrics"
        raise ValueError(message)
    return text


def _rows() -> Iterator[str]:
    for each in (*DEFINITIONS, *PROCESS_DEFINITIONS):
        yield f"| `{each.name}` | {each.kind} | {_labels(each)}{each.unit} | {each.meaning} |"


def _labels(each: MetricDefinition) -> str:
    return ", ".join(f"`{label}`" for label in each.labels) + " | " if each.labels else "| "
