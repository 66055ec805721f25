"""Collector of messages: the texts of errors, output, logs and pages, with `{...}` for what is filled in.

A text counts as a message if it has a space and is passed to an error, to a function that prints or logs, or
is assigned to a name that messages have. Docstrings, SQL and descriptions of the API document do not count.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LIST: Final = ROOT / "tests" / "repository" / "messages.txt"
_SOURCE: Final = ROOT / "src" / "calltally"
_TEXTS_OF_PAGES: Final = "web/dashboard/english"
# Functions that print or log; errors are recognised by their capital letter.
_PRINTS: Final = frozenset(
    {"echo", "Option", "Argument", "Typer", "info", "warning", "error", "exception", "of"}
)
_NAMES: Final = frozenset({"message", "detail", "reason", "text", "advice", "remedy", "help", "help_"})
# Two words with a space between them, outside of what is filled in.
_SENTENCE: Final = re.compile(r"(?<![{\w.])[A-Za-z]{2,}[,:;]? (?:[a-z]{2,}|\{)|\}[,:;]? [a-z]{2,}")
_CODE: Final = re.compile(r"\s*(?:<|SELECT |INSERT |CREATE |SET |BEGIN )")


def listed_messages() -> str:
    """Return all messages, a heading for each module of the package and a line for each text."""
    parts = []
    for path in sorted(_SOURCE.rglob("*.py")):
        name = path.relative_to(_SOURCE).as_posix()
        if texts := messages_of(path.read_text(encoding="utf-8"), is_page=name.startswith(_TEXTS_OF_PAGES)):
            parts.append("\n".join([f"# {name}", *texts]))
    return "\n\n".join(parts) + "\n"


def messages_of(source: str, *, is_page: bool = False) -> list[str]:
    """Return the messages of a module in their order; of a module with texts of pages, every text."""
    tree = ast.parse(source)
    nodes = _values(tree) if is_page else _candidates(tree)
    return list(dict.fromkeys(text for node in nodes for text in _texts(node, every=is_page)))


def _values(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the values of the tables of texts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from node.values


def _candidates(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the expressions in which messages stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _prints(node.func):
            yield from (*node.args, *(each.value for each in node.keywords))
        elif isinstance(node, ast.Return | ast.Assign | ast.AnnAssign) and node.value and _is_text(node):
            yield node.value


def _prints(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in _PRINTS or name[:1].isupper()


def _is_text(node: ast.Return | ast.Assign | ast.AnnAssign) -> bool:
    """Decide whether a statement may hold a message: a return, a constant, or a name that messages have."""
    if isinstance(node, ast.Return):
        return True
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [each.id for each in targets if isinstance(each, ast.Name)]
    return any(name.isupper() or name in _NAMES for name in names)


def _texts(node: ast.AST, *, every: bool) -> Iterator[str]:
    branches = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    for text in map(_template, branches):
        line = " ".join(text.split()) if text is not None else ""
        if line and (every or _SENTENCE.search(line)) and not _CODE.match(line):
            yield line


def _template(node: ast.AST) -> str | None:
    """Return the text of a literal or an f-string, with the source of what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(each) for each in node.values)
    return None


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "{" + ast.unparse(node.value) + "}" if isinstance(node, ast.FormattedValue) else ""
