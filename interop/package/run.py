"""The package as users install it: built by `make dist` in a fresh clone, then installed into clean venvs.

Dependencies are the newest that pip finds, as for a user, not those of requirements/.
"""

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

from interop.checks import expect, run_checks
from interop.programs import fetch, running_program, wait_for
from interop.service import HOST, Failed, exchange, free_port

ROOT: Final = Path(__file__).parents[2]
PIP: Final = ("-m", "pip", "--disable-pip-version-check", "--no-input")
# Half of what the server's environment took when pyarrow was part of it, and room to grow.
MOST_SERVER_MB: Final = 300
MADE: Final = ("/docs", "/docs/guide/", "/assets/chart.js", "/assets/swagger-ui-bundle.js")
LIST: Final = "/api/v1/call-logs?limit=25&offset=0"
NEEDS_SERVER: Final = "calltally: calltally serve needs the server: pip install 'calltally[server]'\n"


class Trial:
    """A built wheel, and environments that it is installed into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wheel = Path()
        ours = ("CALLTALLY", "PYTHON", "VIRTUAL_ENV", "MAKE")
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}

    def builds(self) -> str:
        clone = self._folder / "clone"
        self._run("git", "clone", "--quiet", str(ROOT), str(clone))
        self._run("make", "--silent", "dist", f"PYTHON={sys.executable}", cwd=clone)
        (self._wheel,) = (clone / "dist").glob("*.whl")
        (sdist,) = (clone / "dist").glob("*.tar.gz")
        return ", ".join(f"{file.name} {file.stat().st_size / 1e6:.1f} MB" for file in (self._wheel, sdist))

    def serves_at_once(self) -> str:
        """Install the server, and start it in an empty folder without any setting but the port."""
        command, megabytes = self._install("server")
        with self._first_start(command) as port:
            for path in ("/healthz", "/readyz", *MADE):
                expect(path, exchange(port, "GET", path, None, {})[0], HTTPStatus.OK)
            self._run(command, "tenant", "add", "acme", cwd=self._folder / "empty")
            key = self._run(
                command, "key", "add", "acme", "--scope", "calls:read", cwd=self._folder / "empty"
            )
            own = {"authorization": f"Bearer {key.strip()}"}
            status, page = exchange(port, "GET", LIST, None, own)
            expect("the list", (status, page[:10]), (HTTPStatus.OK, b'{"data":[]'))
            status, problem = exchange(port, "GET", f"{LIST}&format=parquet", None, own)
            expect("Parquet without its extra", status, HTTPStatus.NOT_IMPLEMENTED)
            if b"pip install 'calltally[parquet]'" not in problem:
                raise Failed(f"the problem does not name the extra: {problem.decode()}")
        if megabytes > MOST_SERVER_MB:
            raise Failed(f"the server's packages take {megabytes:.0f} MB, more than {MOST_SERVER_MB}")
        return f"{megabytes:.0f} MB of packages"

    def works_as_a_client(self) -> str:
        command, megabytes = self._install("")
        self._run(str(Path(command).with_name("python")), "-c", "from calltally.client import Client")
        self._run(command, "export", "--help")
        refused = subprocess.run(
            [command, "serve"], env=self._environment, capture_output=True, text=True, check=False
        )
        expect("serve without the server", (refused.returncode, refused.stderr), (1, NEEDS_SERVER))
        return f"{megabytes:.0f} MB of packages"

    def _install(self, extra: str) -> tuple[str, float]:
        """Install the wheel with an extra; return the command, and the MB of its packages without pip."""
        prefix = self._folder / f"venv-{extra}"
        venv.create(prefix, with_pip=True)
        before = _bytes_of(prefix)
        wheel = f"{self._wheel}[{extra}]" if extra else str(self._wheel)
        self._run(str(prefix / "bin/python"), *PIP, "install", "--quiet", wheel)
        for script in ("bash-completion/completions/calltally", "zsh/site-functions/_calltally"):
            if not (prefix / "share" / script).is_file():
                raise Failed(f"the wheel did not install {script}")
        return str(prefix / "bin/calltally"), (_bytes_of(prefix) - before) / 1e6

    @contextmanager
    def _first_start(self, command: str) -> Iterator[int]:
        empty, port = self._folder / "empty", free_port()
        empty.mkdir()
        log = empty / "server.log"
        with running_program(["env", "-C", str(empty), command, "serve", "--port", str(port)], log):
            wait_for("the first start", lambda: fetch(f"http://{HOST}:{port}/healthz"), log)
            yield port

    def _run(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout


def _bytes_of(prefix: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in prefix.rglob("*") if file.is_file())


def main() -> int:
    """Returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="calltally-package-") as name:
        trial = Trial(Path(name))
        return run_checks(
            {
                "a clone builds a whole package": trial.builds,
                "the server starts in an empty folder": trial.serves_at_once,
                "the client needs no server": trial.works_as_a_client,
            }
        )


if __name__ == "__main__":
    sys.exit(main())
