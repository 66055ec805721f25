"""Rules about tests that must run, and about text that only works on one machine."""

import ast
import re
from collections.abc import Iterator

from tools.house_rules.source import Finding, Source

SKIPS = frozenset({"skip", "skipif", "xfail", "importorskip"})
SLEEPERS = frozenset({"time", "asyncio", "anyio"})

# In pieces, so that this file keeps its own rule.
REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pythonhosted", "org"),
            ("pypi", "org"),
            ("pypi", "python", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("deb", "debian", "org"),
        )
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:work|root|opt/wheels|tmp/w)(?=/|\b(?![\w.-]))")


def _is_skip(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Attribute) and node.attr in SKIPS):
        return False
    owner = node.value
    return (isinstance(owner, ast.Name) and owner.id in {"pytest", "mark"}) or (
        isinstance(owner, ast.Attribute) and owner.attr == "mark"
    )


def no_skipped_tests(source: Source) -> Iterator[Finding]:
    """A skipped test looks like a passing one. What a test needs, the project installs."""
    for node in source.nodes if source.within("tests") else ():
        if _is_skip(node):
            remedy = "make it run, or delete it"
            yield Finding(source.path, getattr(node, "lineno", 1), "no-skipped-tests", remedy)


def _is_sleep(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id == "sleep"
    owner = function.value if isinstance(function, ast.Attribute) and function.attr == "sleep" else None
    return isinstance(owner, ast.Name) and owner.id in SLEEPERS


def no_sleeping_tests(source: Source) -> Iterator[Finding]:
    """A fixed wait is too long on a fast machine and too short on a busy one."""
    for node in source.nodes if source.within("tests") else ():
        if isinstance(node, ast.Call) and node.args and _is_sleep(node.func):
            duration = node.args[0]
            if isinstance(duration, ast.Constant) and duration.value != 0:
                remedy = "wait for the event itself, or pass the clock in"
                yield Finding(source.path, node.lineno, "no-sleeping-tests", remedy)


def _each_match(source: Source, pattern: re.Pattern[str], rule: str, remedy: str) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, start=1):
        if found := pattern.search(line):
            yield Finding(source.path, number, rule, f"'{found[0]}': {remedy}")


def no_registry_hosts(source: Source) -> Iterator[Finding]:
    """Which index serves the packages is the user's choice; hashes make any of them safe."""
    yield from _each_match(
        source, REGISTRIES, "no-registry-hosts", "name the package, not where it is served"
    )


def no_machine_paths(source: Source) -> Iterator[Finding]:
    """A path of one machine works on no other."""
    remedy = "use a path relative to the repository, or a setting"
    yield from _each_match(source, MACHINE_PATHS, "no-machine-paths", remedy)
