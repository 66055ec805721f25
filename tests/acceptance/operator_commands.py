"""Commands of an operator on the database of a test."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.acceptance.live import calltally


class Operator:
    """Runner of commands, each of which must succeed."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = settings

    def run(self, *words: str) -> str:
        done = calltally(self._folder, *words, environment=self._settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def add_tenant(self, tenant: str) -> str:
        """Return a key of a new tenant."""
        self.run("tenant", "add", tenant)
        scopes = ("--scope", "calls:read", "--scope", "events:write", "--scope", "transcripts:read")
        return str(json.loads(self.run("key", "add", tenant, *scopes, "--json"))["key"])

    def verify(self) -> None:
        assert json.loads(self.run("verify", "--json"))["findings"] == []
