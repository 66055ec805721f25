"""The ledger of effects imports no driver and no part of the server."""

import subprocess
import sys

from tests.unmeasured import unmeasured

UNWANTED = ("sqlite3", "apsw", "psycopg", "httpx2", "litestar", "calltally.store", "calltally.web")
PROGRAM = f"""
import sys
# A coverage run has loaded some of them already.
before = set(sys.modules)
import calltally.client.once, calltally.client.once.aio
print([name for name in {UNWANTED} if name in sys.modules and name not in before])
"""


def test_no_driver_is_imported() -> None:
    command = [sys.executable, "-c", PROGRAM]
    loaded = subprocess.run(command, env=unmeasured(), check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"
