"""The documents of the repository, and how their commands are run.

A fence that says `sh run` holds commands that must succeed, and `python run` a program that must. `sh serve`
is started and left running for the blocks behind it, until the page is done; `sh watch` too, without waiting
for it. A comment that begins with `<!-- run` holds commands for the tests alone. Commands of `sh clone` run
in the repository, apart from the others of the page.
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
RUN, SERVE, WATCH, PYTHON, CLONE = "sh run", "sh serve", "sh watch", "python run", "sh clone"
HIDDEN = "hidden"
# `make run` would make an environment of its own; what it then starts is this.
STANDS_FOR = {"make run": "calltally demo --days 2"}

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(rf"{_FENCE.pattern}|^<!-- run\n(?P<hidden>.*?)^-->$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+)$", re.MULTILINE)
_CELL = re.compile(r"^\| *`(?P<name>[^`]+)` *\|(?P<rest>.*)$", re.MULTILINE)

_SCRIPT_HEAD = """\
set -eu
started=
end() { for each in $started; do kill "$each"; wait "$each" || true; done; }
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
    return [
        Block(found["info"].strip(), found["text"])
        if found["hidden"] is None
        else Block(HIDDEN, found["hidden"])
        for found in _BLOCK.finditer(page.read_text())
    ]


def script(page: Path, replaced: Mapping[str, str]) -> str:
    """The runnable blocks of a page as one script of bash."""
    return _SCRIPT_HEAD + "".join(
        _commands(info, _replaced(text, {**STANDS_FOR, **replaced})) for info, text in blocks(page)
    )


def _commands(info: str, text: str) -> str:
    if info in (RUN, HIDDEN):
        return text
    if info == PYTHON:
        return f"python3 - <<'END OF PROGRAM'\n{text}END OF PROGRAM\n"
    if info == WATCH:
        return f'{{ exec {text.strip()}; }} > watch.log 2>&1 &\nstarted="$started $!"\n'
    if info == SERVE:
        return f'{{ exec {text.strip()}; }} > serve.log 2>&1 &\nserving=$!\nstarted="$started $!"\nawait\n'
    return ""


def clone_script(page: Path, replaced: Mapping[str, str]) -> str:
    """The blocks of a page that run in the repository."""
    return "set -eu\n" + "".join(_replaced(text, replaced) for info, text in blocks(page) if info == CLONE)


def _replaced(text: str, replaced: Mapping[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


def runnable() -> list[Path]:
    return [page for page in PAGES if any(_commands(*block) for block in blocks(page))]


def of_clones() -> list[Path]:
    return [page for page in PAGES if any(block.info == CLONE for block in blocks(page))]


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
