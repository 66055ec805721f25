"""Alert rules of deploy/prometheus, checked and tested by Prometheus' own tool."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

from interop.checks import run_checks
from interop.service import Failed

FOLDER: Final = Path(__file__).parents[2] / "deploy/prometheus"


def _promtool(*words: str) -> str:
    command = ["promtool", *words]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.strip().splitlines()[-1].strip()


def main() -> int:
    """Returns the exit status."""
    return run_checks(
        {
            "rules": partial(_promtool, "check", "rules", "alerts.yml"),
            "each rule fires and is quiet": partial(_promtool, "test", "rules", "alerts_test.yml"),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
