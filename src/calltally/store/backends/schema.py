"""Which schema this code needs, and how a database gets there without this process loading what does it."""

import subprocess
import sys
from typing import Final

from calltally.calls.errors import Misconfigured

HEAD: Final = "0013"
NO_TABLES: Final = "the database has no tables of Calltally, or older ones; run `calltally migrate`"


def upgrade_apart(url: str) -> None:
    """Migrate `url` to the head in a process of its own; raises Misconfigured with what it said."""
    command = [sys.executable, "-m", "calltally.store.backends.migrate"]
    done = subprocess.run(command, input=url, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        message = f"the database could not be migrated: {last}"
        raise Misconfigured(message)
