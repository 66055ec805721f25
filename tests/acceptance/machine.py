"""Stand-in of a server with systemd, for the page that sets one up: its folders and its commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance import pages
from tests.acceptance.systemctl import stop

# Nothing of the system is changed: packages are there, and there is one user.
_DONE = "exit 0\n"
_SUDO = """\
if [ "$1" = -iu ]; then shift 2; cd "$MACHINE/var/lib/calltally"; fi
exec env "$@"
"""
_USER = 'mkdir -p "$MACHINE/var/lib/calltally"\n'
_FOLDERS = ("etc/systemd/system", "etc/caddy", "var/lib", "var/backups", "opt")


@contextmanager
def machine(folder: Path, tools: Path, address: str) -> Iterator[dict[str, str]]:
    """Make the machine for the block. Yields what its paths and addresses stand for in the commands."""
    for each in _FOLDERS:
        (folder / each).mkdir(parents=True)
    try:
        yield {
            "https://calls.example.com": f"http://{address}",
            "/usr/local/bin/calltally-backup": str(tools / "calltally-backup"),
            "/usr/local/bin/calltally serve": f"{tools / 'calltally'} serve",
            **{f" {each}/": f" {folder}{each}/" for each in ("/etc", "/opt")},
            **{each: f"{folder}{each}" for each in ("/var/lib/calltally", "/var/backups/calltally")},
        }
    finally:
        stop(folder)


def commands_of(folder: Path) -> dict[str, str]:
    """Return the commands of the machine as shell scripts."""
    environment = f'export MACHINE="{folder}"\n'
    systemctl = f'PYTHONPATH="{pages.ROOT}" exec "{sys.executable}" -m tests.acceptance.systemctl "$@"\n'
    scripts = {"sudo": _SUDO, "useradd": _USER, "systemctl": systemctl}
    scripts |= dict.fromkeys(("apt-get", "pipx", "chown"), _DONE)
    return {name: environment + text for name, text in scripts.items()}
