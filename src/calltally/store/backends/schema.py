"""Schema version of this code, and migration in a subprocess, so that this process does not load Alembic."""

import subprocess
import sys
from typing import Final

from calltally.calls.errors import Misconfigured

HEAD: Final = "0024"
# Version of a database while rows are copied into it: before every other, so that no command uses it.
COPYING: Final = "0000-copying"
UNFINISHED_COPY: Final = "it is a copy that is not finished; run the same `calltally db copy` again"
NO_TABLES: Final = (
    "the database has no tables of Calltally, or tables of an older version; run `calltally migrate`"
)


def upgrade_in_subprocess(url: str) -> None:
    """Migrate `url` to the head in a subprocess. Raises Misconfigured with the last line of its errors."""
    command = [sys.executable, "-m", "calltally.store.backends.migrate"]
    done = subprocess.run(command, input=url, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no error message"])[-1]
        message = f"the database could not be migrated: {last}"
        raise Misconfigured(message)
