"""A folder with the document, npm's packages and the scripts of the clients, and the tools that run there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from interop.openapi.stage import Stage
from interop.packages import installed
from interop.service import Failed

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[1] / "docs/how-to/generate-a-client.md"
RUN_S: Final = 180
MAX_CHARS: Final = 2_000


class Workshop:
    """The folder of one run, and the environment in which each tool finds the others and the service."""

    def __init__(self, stage: Stage) -> None:
        self.folder = stage.service.folder / "workshop"
        shutil.copytree(HERE / "clients", self.folder)
        installed(HERE, self.folder)
        shutil.copy(HERE / "spectral.yaml", self.folder)
        (self.folder / "openapi.json").write_text(json.dumps(stage.document), encoding="utf-8")
        modules = str(self.folder / "node_modules/.bin")
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), modules, os.environ["PATH"])),
            "HOME": str(self.folder),
            "GOCACHE": str(self.folder / "gocache"),
            # Clients in Go need the standard library alone.
            "GOFLAGS": "-mod=mod",
            "GOPROXY": "off",
            "GOTOOLCHAIN": "local",
            "REDOCLY_TELEMETRY": "off",
            "BASE": stage.service.url,
            "KEY": stage.key,
            "ADMIN_KEY": stage.service.admin_key,
            "READS": json.dumps([*stage.reads()]),
        }

    def generate(self, language: str) -> None:
        """Run the commands that the page has for a language. Raises Failed."""
        [commands] = re.findall(rf"^```sh {language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        self.run("bash", "-euc", commands)

    def run(self, *command: str) -> str:
        """Return the output of a command. Raises Failed, with its last words, where it does not end well."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        if done.returncode:
            output = (done.stdout + done.stderr)[-MAX_CHARS:]
            raise Failed(f"{' '.join(command)} ended with {done.returncode}: {output}")
        return done.stdout.strip()
