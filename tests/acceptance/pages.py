"""The documents of the repository, and how their commands are run.

A fence that says `sh run` holds commands that must succeed; one that says `sh serve` is started and left
running for the blocks behind it, until the page is done.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs").rglob("*.md"),
)
RUN, SERVE = "sh run", "sh serve"
# `make run` would make an environment of its own; what it then starts is this.
STANDS_FOR = {"make run": "calltally demo --days 2"}

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+)$", re.MULTILINE)
_CELL = re.compile(r"^\| *`(?P<name>[^`]+)` *\|(?P<rest>.*)$", re.MULTILINE)

_SCRIPT_HEAD = """\
set -eu
serving=
end() { test -z "$serving" || { kill "$serving"; wait "$serving" || true; }; }
trap end EXIT
await() { # the server's first line, or the request that the demonstration prints
    for _ in $(seq 1200); do
        grep -q -e listening -e 'curl -sS' serve.log && return
        kill -0 "$serving" || { cat serve.log >&2; return 1; }
        sleep 0.05
    done
    return 1
}
"""


class Block(NamedTuple):
    """One fenced block: what its fence says, and what it holds."""

    info: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(found["info"].strip(), found["text"]) for found in _FENCE.finditer(page.read_text())]


def script(page: Path, replaced: Mapping[str, str]) -> str:
    """The runnable blocks of a page as one script of bash."""
    text = _SCRIPT_HEAD
    for info, commands in blocks(page):
        for old, new in {**STANDS_FOR, **replaced}.items():
            commands = commands.replace(old, new)  # noqa: PLW2901 (each replacement builds on the last)
        if info == RUN:
            text += commands
        elif info == SERVE:
            text += f"{{ exec {commands.strip()}; }} > serve.log 2>&1 &\nserving=$!\nawait\n"
    return text


def runnable() -> list[Path]:
    return [page for page in PAGES if any(block.info in (RUN, SERVE) for block in blocks(page))]


def prose(page: Path) -> str:
    """A page without its blocks."""
    return _FENCE.sub("", page.read_text())


def links(page: Path) -> list[str]:
    return [found["target"] for found in _LINK.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """Return the fragment of each heading, as code hosts make it."""
    texts = (found["text"].lower() for found in _HEADING.finditer(prose(page)))
    return {re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-") for text in texts}


def rows(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each row of the tables whose first cell is code: the code, and the other cells."""
    for found in _CELL.finditer(text):
        yield found["name"], [cell.strip() for cell in found["rest"].strip("| ").split("|")]
