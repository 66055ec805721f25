"""The demo as a stage for pictures: started in an empty folder, with the pages that it prints."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple
from urllib.parse import urlsplit

from interop.browser.stage import Stage
from interop.service import Failed, Service

# Who they are: with the printed key, with a key that may only read calls, and of a tenant without calls.
VIEWER: Final = "demo"
READER: Final = "reader"
NEWCOMER: Final = "newcomer"
_OWNED: Final = (
    "calls:read",
    "transcripts:read",
    "events:write",
    "exports:write",
    "alerts:write",
    "webhooks:write",
)
_TENANT: Final = "demo"
_ADMIN_KEY: Final = "the-admin-key-of-the-photographed-demo"
# The same seed makes the same calls, at other dates.
_SEED: Final = 4
_LAST_LINE: Final = "To start over"
_KEY: Final = re.compile(r"^  (ct_demo_\S+)$", re.MULTILINE)
_LINK: Final = re.compile(r"^  (\w[\w ]+\w) +(http://\S+)$", re.MULTILINE)


class DemoStage(NamedTuple):
    """The running demo, the paths of the pages that it prints, by their subjects, and its database."""

    stage: Stage
    paths: Mapping[str, str]
    database: Path


@contextmanager
def running_demo() -> Iterator[DemoStage]:
    """Run the demo for as long as the block runs."""
    command = [os.environ["CALLTALLY"], "demo", "--port", "0", "--seed", str(_SEED)]
    with tempfile.TemporaryDirectory(prefix="calltally-demo-") as folder:
        others = ("CALLTALLY", "DATABASE_URL", "PORT")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        environment["CALLTALLY_ADMIN_KEY"] = _ADMIN_KEY
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield _stage(Path(folder), _printed(process.stdout))
            finally:
                process.send_signal(signal.SIGINT)


def _printed(output: IO[str] | None) -> str:
    """Return what the demo prints until it is ready. Raises Failed where it ends before."""
    text = ""
    for line in output or ():
        text += line
        if line.startswith(_LAST_LINE):
            return text
    raise Failed(f"the demo ended before it was ready: {text}")


def _stage(folder: Path, printed: str) -> DemoStage:
    key, links = _KEY.search(printed), dict(_LINK.findall(printed))
    if key is None or not links:
        raise Failed(f"the demo printed no key or no pages: {printed}")
    parts = {subject: urlsplit(url) for subject, url in links.items()}
    port = next(iter(parts.values())).port or 0
    paths = {subject: f"{each.path}?{each.query}".rstrip("?") for subject, each in parts.items()}
    service = Service(port, folder, _ADMIN_KEY)
    service.new_tenant(NEWCOMER)
    keys = {
        VIEWER: key[1],
        READER: service.new_key(_TENANT, "calls:read")[1],
        NEWCOMER: service.new_key(NEWCOMER, *_OWNED)[1],
    }
    return DemoStage(Stage(service, "sqlite", keys, _TENANT), paths, folder / "var" / "demo.db")
