"""Rules about size, names and imports."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from tools.house_rules.source import Finding, Source

FUNCTION_LINES = 50
FILE_LINES = 400
LEAST_FILE_LINES = 30
# Files that stay small or are still to be merged, and why; empty is the goal.
SMALL_FILES: Mapping[str, str] = dict.fromkeys(
    (
        "src/calltally/cli/quality/local.py",
        "src/calltally/cli/reconcile/provider_command.py",
    ),
    "its package is being shortened as one piece",
)
FACES = frozenset({"__init__.py", "__main__.py"})
DRAWERS = frozenset(
    {
        "base",
        "common",
        "core",
        "helper",
        "helpers",
        "manager",
        "managers",
        "misc",
        "util",
        "utilities",
        "utils",
    }
)


def short_functions(source: Source) -> Iterator[Finding]:
    """A body of more than 50 lines does several things, and hides the order they must happen in."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            if length > FUNCTION_LINES:
                remedy = f"{node.name} has {length} lines; split it into steps of at most {FUNCTION_LINES}"
                yield Finding(source.path, node.lineno, "short-functions", remedy)


def short_files(source: Source) -> Iterator[Finding]:
    """A file of more than 400 lines is no longer read from top to bottom."""
    if source.is_python and source.within("src") and len(source.lines) > FILE_LINES:
        remedy = f"{len(source.lines)} lines; split it by what changes together, at most {FILE_LINES}"
        yield Finding(source.path, 1, "short-files", remedy)


def subject_names(source: Source) -> Iterator[Finding]:
    """A module named for no subject becomes the drawer for everything."""
    if source.is_python:
        for name in PurePosixPath(source.path).with_suffix("").parts:
            if name.lower() in DRAWERS:
                remedy = f"name it after what it is about, not '{name}'"
                yield Finding(source.path, 1, "subject-names", remedy)


def imports_at_the_top(source: Source) -> Iterator[Finding]:
    """An import inside a function hides a dependency, and often a circle. Slow ones may be deferred."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    inside = {
        node.lineno: node
        for function in source.nodes
        if isinstance(function, functions)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    for line, node in inside.items():
        if not source.has_reason(node, "deferred"):
            remedy = "move it to the top, or end the line with '# deferred: <reason>'"
            yield Finding(source.path, line, "imports-at-the-top", remedy)


def no_type_checking(source: Source) -> Iterator[Finding]:
    """A block that only the type checker runs hides an import circle."""
    for node in source.nodes:
        named = (
            (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
            or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
            or (isinstance(node, ast.alias) and node.name == "TYPE_CHECKING")
        )
        if named:
            remedy = "import it plainly; if that makes a circle, move what both need to a layer below"
            yield Finding(source.path, getattr(node, "lineno", 1), "no-type-checking", remedy)


def _is_mixed_tuple(annotation: ast.expr) -> bool:
    """Decide whether an annotation is a tuple of different types, or may be one."""
    if isinstance(annotation, ast.BinOp):
        return _is_mixed_tuple(annotation.left) or _is_mixed_tuple(annotation.right)
    if not (isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) in {"tuple", "Tuple"}):
        return False
    items = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    types = {ast.unparse(item) for item in items}
    return len(types) > 1 and "..." not in types


def named_parameters(source: Source) -> Iterator[Finding]:
    """A tuple of different things hides parameters: their names, their number and their order."""
    for node in source.nodes if source.within("src") else ():
        if isinstance(node, ast.arg) and node.annotation is not None and _is_mixed_tuple(node.annotation):
            remedy = f"take the parts of '{node.arg}' one by one, or as a NamedTuple or dataclass"
            yield Finding(source.path, node.lineno, "named-parameters", remedy)


def _only_declares(source: Source) -> bool:
    """Decide whether a file has classes or constants only: a vocabulary that others import."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return not any(isinstance(node, functions) for node in source.nodes)


def _importers(sources: Iterable[Source]) -> dict[str, set[str]]:
    """Return the files that import each module at their top."""
    found: dict[str, set[str]] = {}
    for source in sources:
        for node in source.nodes:
            if isinstance(node, ast.ImportFrom) and not source.has_reason(node, "deferred"):
                for module in (node.module or "", *(f"{node.module}.{each.name}" for each in node.names)):
                    found.setdefault(module, set()).add(source.path)
    return found


def whole_files(sources: Iterable[Source]) -> Iterator[Finding]:
    """A file of a few lines that serves one neighbour is a part of it, and costs each reader a search."""
    listed = [source for source in sources if source.is_python and source.within("src")]
    importers = _importers(listed)
    for source in listed:
        path = PurePosixPath(source.path)
        if path.name in FACES or len(source.lines) >= LEAST_FILE_LINES or source.path in SMALL_FILES:
            continue
        module = ".".join(path.with_suffix("").parts[1:])
        users = importers.get(module, set())
        if len(users) == 1 and PurePosixPath(*users).parent == path.parent and not _only_declares(source):
            remedy = f"{len(source.lines)} lines; merge it into {PurePosixPath(*users).name}, its only user"
            yield Finding(source.path, 1, "whole-files", remedy)
