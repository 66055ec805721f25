"""Every command and curl that a page prints runs as printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import pytest

from tests.acceptance import pages
from tests.acceptance import preloaded as preloaded_commands
from tests.acceptance.live import Live, own_environment, preloaded, serving
from tests.unmeasured import unmeasured

RUNS_WITHIN_S: Final = 60
PRINTED: Final = re.compile(r"<pre[^>]*>\s*((?:curl|calltally)\s.*?)</pre>", re.DOTALL)
LINK: Final = re.compile(r'<a\s[^>]*href="(/[^"#]*)')
ONE_OF_MANY: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|CA\w+")
SCOPES: Final = (
    *("calls:read", "transcripts:read", "events:write", "exports:write", "alerts:write", "webhooks:write"),
)
# Pages that have commands in their first hour, by what they are for.
BEGINNINGS: Final = ("/calls", "/quality", "/quality/launch", "/alerts", "/reconciliations", "/settings")
EVENT: Final = {
    "id": "1",
    "call_sid": "CA1",
    "occurred_at": "2026-10-01T09:30:00Z",
    "status": "completed",
    "route": "sales",
    "agent": "vera",
}


class Reader:
    """A person with a key, who opens pages and runs in a shell what they print."""

    def __init__(self, live: Live, folder: Path) -> None:
        self.live, self.folder = live, folder
        self.key = live.new_key("acme", *SCOPES)
        form = urlencode({"key": self.key}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = live.request("POST", "/sign-in", form, kind)
        self._cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]}

    def commands(self, path: str) -> list[str]:
        return [unescape(found) for found in PRINTED.findall(self.page(path))]

    def page(self, path: str) -> str:
        answer = self.live.request("GET", path, headers=self._cookie)
        assert answer.status == 200, (path, answer.status)
        return answer.body.decode(errors="replace")

    def linked(self) -> Iterator[str]:
        """Yield every page that the menus and lists lead to, one of each kind."""
        waiting, kinds = (
            [*BEGINNINGS, "/quality/launch?route=sales&since=2026-10-01&to=2026-10-02"],
            set[str](),
        )
        while waiting:
            path = waiting.pop(0)
            kind = ONE_OF_MANY.sub("{id}", urlsplit(path).path) + path[path.find("?") :][:20]
            if kind in kinds or path.startswith(("/assets/", "/calls-export", "/calls-count", "/openapi")):
                continue
            kinds.add(kind)
            yield path
            waiting += map(unescape, LINK.findall(self.page(path)))

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        environment = unmeasured(own_environment(ADMIN_KEY=self.live.admin_key, API_KEY=self.key))
        return subprocess.run(
            ["bash", "-euc", command],  # noqa: S607 (any bash will do)
            cwd=self.folder,
            env=environment | {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "no_proxy": "*"},
            capture_output=True,
            text=True,
            check=False,
            timeout=RUNS_WITHIN_S,
        )


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("reader")
    client = preloaded_commands.__file__
    scripts = {
        "curl": f'PYTHONPATH="{pages.ROOT}" exec "{sys.executable}" -m tests.acceptance.curl',
        "calltally": f'exec "{sys.executable}" -I -S "{client}" "{preloaded(unmeasured())}"',
    }
    (folder / "bin").mkdir()
    for name, command in scripts.items():
        (folder / "bin" / name).write_text(f'#!/bin/sh\n{command} "$@"\n')
        (folder / "bin" / name).chmod(0o755)
    # The file that the reader has of the events that their endpoint received.
    (folder / "received.ndjson").touch()
    with serving(folder) as live:
        live.administer("POST", "", {"id": "acme"})
        yield Reader(live, folder)


def check(reader: Reader, path: str, command: str) -> None:
    done = reader.run(command)
    assert done.returncode == 0, (path, command, done.stdout, done.stderr)
    assert "/docs/problems#" not in done.stdout, (path, command, done.stdout)


def test_commands_of_the_first_hour_run(reader: Reader) -> None:
    found = {path: reader.commands(path) for path in BEGINNINGS}
    for path, commands in found.items():
        for command in commands:
            check(reader, path, command)
    printed = [command for commands in found.values() for command in commands]
    assert any("/api/v1/events" in command for command in printed)
    assert {command.split()[1] for command in printed if command.startswith("calltally")} >= {
        "alerts",
        "reconcile",
    }


def test_commands_of_all_pages_run(reader: Reader) -> None:
    reader.live.send_events(reader.key, [EVENT])
    kinds: set[str] = set()
    for path in reader.linked():
        for command in reader.commands(path):
            check(reader, path, command)
            kinds.add(urlsplit(path).path.split("/")[1])
    assert kinds >= {"calls", "quality"}
