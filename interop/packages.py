"""npm's packages of a folder, put in by the Node that this environment brings along."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from interop.service import Failed

LOCKED: Final = ("package.json", "package-lock.json")


def tool(name: str) -> str:
    """A command of this environment, which brings Node along."""
    return str(Path(sys.executable).parent / name)


def installed(source: Path, folder: Path) -> Path:
    """The packages as the lock file of `source` has them, in `folder`. Raises Failed."""
    for name in LOCKED:
        shutil.copy(source / name, folder / name)
    command = [tool("npm"), "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"npm ci ended with {done.returncode}: {done.stderr[-2000:]}")
    return folder
