"""Dashboard of deploy/grafana, read by the types of Grafana's schema: they lose a field that they lack."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from interop.checks import run_checks
from interop.service import Failed

DASHBOARD: Final = Path(__file__).parents[2] / "deploy/grafana/calltally.json"


def _lost(given: object, kept: object, path: str = "") -> Iterator[str]:
    """Yield the paths whose values the schema drops or changes."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            yield from _lost(value, kept.get(name), f"{path}/{name}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, (value, other) in enumerate(zip(given, kept, strict=True)):
            yield from _lost(value, other, f"{path}/{index}")
    elif given != kept:
        yield f"{path}: {given!r} became {kept!r}"


def _checked() -> str:
    given = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    register_default_plugins()
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))
    if lost := [*_lost(given, kept)]:
        raise Failed("; ".join(lost))
    return f"{len(given['panels'])} panels, all fields in the schema"


if __name__ == "__main__":
    sys.exit(run_checks({"dashboard": _checked}))
