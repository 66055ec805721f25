"""One file under examination, and what a rule says about it."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, order=True)
class Finding:
    """One breach: where, and what to do about it."""

    path: str
    line: int
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.remedy}"


@dataclass(frozen=True)
class Source:
    """A text file by its path in the repository (with forward slashes)."""

    path: str
    text: str

    def within(self, *folders: str) -> bool:
        """Return whether the file is one of `folders`, or below one."""
        return any(PurePosixPath(self.path).is_relative_to(folder) for folder in folders)

    @property
    def is_python(self) -> bool:
        """Return whether rules about syntax apply."""
        return self.path.endswith(".py")

    @cached_property
    def lines(self) -> list[str]:
        """The text by lines, without their ends."""
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the syntax tree; none if the file is not Python."""
        return list(ast.walk(ast.parse(self.text, self.path))) if self.is_python else []

    def has_reason(self, node: ast.AST, word: str) -> bool:
        """Return whether a line of `node` has the comment `# word: reason`. The reason is required."""
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", None) or 0
        marker = f"# {word}: "
        return any(line.partition(marker)[2].strip() for line in self.lines[first - 1 : last])


def tree() -> Iterator[Source]:
    """Every text file of the repository that is tracked, or would be if added."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 (any git will do)
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for path in sorted(set(listing.split("\0"))):
        file = REPOSITORY / path
        if path and file.is_file():
            raw = file.read_bytes()
            if b"\0" not in raw:
                yield Source(path, raw.decode("utf-8", errors="replace"))
