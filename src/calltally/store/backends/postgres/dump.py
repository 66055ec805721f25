"""Dump and restore of a PostgreSQL database by its own programs."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from calltally.calls.errors import Misconfigured, Unavailable

# The restored database belongs to the user that restores it, and that user's grants stay as they are.
_PLAIN_OWNER: Final = ("--no-owner", "--no-privileges")


def dump_database(url: str, target: Path) -> None:
    """Write the state of one moment into a new file. Raises Misconfigured and Unavailable."""
    target.touch(mode=0o600, exist_ok=False)
    _run("pg_dump", url, "--format=custom", f"--file={target}", *_PLAIN_OWNER)


def restore_database(url: str, source: Path) -> None:
    """Restore a dump into an empty database, as one transaction. Raises Misconfigured and Unavailable."""
    _run("pg_restore", url, "--single-transaction", "--exit-on-error", *_PLAIN_OWNER, str(source))


def dump_faults(source: Path) -> list[str]:
    """Return why pg_restore cannot read the contents of a dump; empty if it can."""
    done = subprocess.run(
        [_program("pg_restore"), "--list", str(source)], capture_output=True, text=True, check=False
    )
    return [] if done.returncode == 0 else [_last_line(done.stderr)]


def _run(name: str, url: str, *options: str) -> None:
    """Run a program. The password is in its environment: every user of the machine can see arguments."""
    parameters = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    password = parameters.pop("password", "")
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    command = [_program(name), f"--dbname={make_conninfo(**parameters)}", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{name} failed: {_last_line(done.stderr)}")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        message = (
            f"{name} is not on the PATH; install PostgreSQL's client programs of the server's version or a"
            " later one"
        )
        raise Misconfigured(message)
    return found


def _last_line(errors: str) -> str:
    return (errors.strip().splitlines() or ["it printed no error"])[-1]
