"""Units of deploy/systemd, verified by systemd, with the exposure of their sandbox."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from interop.checks import Check, run_checks
from interop.service import Failed

UNITS: Final = sorted((Path(__file__).parents[2] / "deploy/systemd").glob("*.service"))
# A network service that opens a database over a Unix socket cannot have less than 1.1.
MAX_EXPOSURE: Final = 1.1
_INSTALLED: Final = "/usr/local/bin/calltally"
_LEVEL: Final = re.compile(r"Overall exposure level for \S+: ([0-9.]+) ")


def _analyze(verb: str, *arguments: str) -> str:
    command = ["systemd-analyze", verb, "--no-pager", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # `verify` warns on its standard error of a directive that it does not know, and ends with 0.
    if done.returncode or done.stderr.strip():
        raise Failed(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def _verified(unit: Path) -> str:
    _analyze("verify", str(unit))
    return "no finding"


def _exposure(unit: Path) -> str:
    report = _analyze("security", "--offline=true", f"--threshold={MAX_EXPOSURE * 10:.0f}", str(unit))
    level = _LEVEL.search(report)
    if level is None:
        raise Failed(f"there is no exposure level in:\n{report}")
    return f"exposure {level[1]}, limit {MAX_EXPOSURE}"


def main() -> int:
    """Returns the exit status."""
    checks: dict[str, Check] = {}
    with TemporaryDirectory() as name:
        for source in UNITS:
            # The command of the unit must exist: here it is that of this installation.
            unit = Path(name, source.name)
            text = source.read_text(encoding="utf-8")
            unit.write_text(text.replace(_INSTALLED, os.environ["CALLTALLY"]), encoding="utf-8")
            checks[f"{source.name}: verify"] = partial(_verified, unit)
            checks[f"{source.name}: security"] = partial(_exposure, unit)
        return run_checks(checks)


if __name__ == "__main__":
    sys.exit(main())
