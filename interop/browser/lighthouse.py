"""Lighthouse on a page: performance, accessibility, best practices and SEO.

Two presets: a telephone of the middle range, its processor four times slower than this machine's, on a slow
4G; and a desktop. Machines that others use too are slow at times: a page that misses its score is measured
twice more, and its score is then the median.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from interop.browser.visits import browser_flags, browser_program
from interop.packages import tool
from interop.service import Failed

# The pages that people look at most, by the names of their views. The guide has a performance of 72 to 97 on
# a telephone: where the machine is busy, the script of its theme blocks the page for up to a second.
PAGES: Final = ("overview", "calls", "one call", "quality", "alerts")
PRESETS: Final[Mapping[str, Sequence[str]]] = {"mobile": (), "desktop": ("--preset=desktop",)}
LEAST: Final = 95
CATEGORIES: Final = ("performance", "accessibility", "best-practices", "seo")
_RUNS: Final = 3
_RUN_S: Final = 180
_MOST_CHARS: Final = 2_000


class Lighthouse:
    """The tool, as npm's package has it, with the browser of the journeys."""

    def __init__(self, packages: Path) -> None:
        self._packages = packages
        self._program = packages / "node_modules" / "lighthouse" / "cli" / "index.js"

    def scores(self, url: str, cookies: Mapping[str, str], preset: str) -> dict[str, float]:
        """Return each category's score of 100. Raises Failed if the page cannot be measured."""
        first = self._run(url, cookies, preset)
        if min(first.values()) >= LEAST:
            return first
        runs = [first, *(self._run(url, cookies, preset) for _ in range(_RUNS - 1))]
        return {name: median(run[name] for run in runs) for name in CATEGORIES}

    def _run(self, url: str, cookies: Mapping[str, str], preset: str) -> dict[str, float]:
        sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
        command = [
            *(tool("node"), str(self._program), url, "--quiet", "--no-enable-error-reporting"),
            *("--output=json", "--output-path=stdout", f"--only-categories={','.join(CATEGORIES)}"),
            *PRESETS[preset],
            f"--extra-headers={json.dumps({'Cookie': sent})}",
            f"--chrome-flags={' '.join(['--headless=new', *browser_flags()])}",
        ]
        # What it keeps of its own goes with the packages.
        environment = os.environ | {"CHROME_PATH": browser_program(), "HOME": str(self._packages)}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=_RUN_S
        )
        if done.returncode:
            raise Failed(f"lighthouse ended with {done.returncode}: {done.stderr[-_MOST_CHARS:]}")
        return _scores(json.loads(done.stdout))


def _scores(report: dict[str, Any]) -> dict[str, float]:
    if fault := report.get("runtimeError"):
        raise Failed(f"lighthouse could not look: {fault['message']}")
    return {name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES}
