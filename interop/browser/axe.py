"""axe-core on a page: what it finds that people with a disability could not use."""

from pathlib import Path
from typing import Any, Final

_RUN_AXE: Final = "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations)"
_MOST: Final = 3


class Axe:
    """The engine, as npm's package has it."""

    def __init__(self, packages: Path) -> None:
        self._source = (packages / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

    def findings(self, page: Any) -> list[str]:  # noqa: ANN401 (Playwright has its types in another environment)
        """One line for each rule that a page breaks, with where."""
        # Through the debugger: the policy of the pages lets no script in that is not theirs.
        page.evaluate(self._source)
        return [_line(violation) for violation in page.evaluate(_RUN_AXE)]


def _line(violation: dict[str, Any]) -> str:
    positions = [" ".join(map(str, node["target"])) for node in violation["nodes"]]
    more = f" and {len(positions) - _MOST} more" if len(positions) > _MOST else ""
    return f"{violation['id']} ({violation['help']}) at {', '.join(positions[:_MOST])}{more}"
