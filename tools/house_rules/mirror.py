"""Rule about the folders of unit tests."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from tools.house_rules.source import Finding, Source

TESTS: Final = PurePosixPath("tests/unit")
# Packages next to the product have their tests in a folder of their name.
OTHER_PACKAGES: Final[Mapping[str, str]] = {"bench": "bench", "tools": "tools"}


def _package_of(path: PurePosixPath) -> PurePosixPath:
    """Return the package whose tests lie in the folder of this file."""
    folder = path.parent.relative_to(TESTS)
    if folder.parts and folder.parts[0] in OTHER_PACKAGES:
        return folder
    return PurePosixPath("src/calltally") / folder


def _imported(source: Source) -> set[str]:
    """Return the modules that a file imports, and those whose names it imports."""
    found = set()
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return found


def mirrored_tests(sources: Iterable[Source]) -> Iterator[Finding]:
    """A unit test in the folder of its subject is found from the subject, and the other way round."""
    listed = list(sources)
    modules = {PurePosixPath(source.path).with_suffix("") for source in listed if source.is_python}
    packages = {folder for module in modules for folder in module.parents}
    for source in listed:
        path = PurePosixPath(source.path)
        if not (source.is_python and path.is_relative_to(TESTS) and path.name.startswith("test_")):
            continue
        package = _package_of(path)
        subject = path.stem.removeprefix("test_")
        if package not in packages:
            remedy = f"move it to the folder of its subject: there is no package {package}"
            yield Finding(source.path, 1, "mirrored-tests", remedy)
        elif not (_names_a_module(subject, package, modules | packages) or _is_about(source, package)):
            remedy = (
                f"move it to the folder of its subject: its name and its imports name nothing of {package}"
            )
            yield Finding(source.path, 1, "mirrored-tests", remedy)


def _names_a_module(subject: str, package: PurePosixPath, modules: set[PurePosixPath]) -> bool:
    """Decide whether a test's name begins with that of a module of the package."""
    words = subject.split("_")
    return any(package / "_".join(words[:count]) in modules for count in range(1, len(words) + 1))


def _is_about(source: Source, package: PurePosixPath) -> bool:
    """Decide whether a test imports from the package; at the root a module's name is required."""
    name = ".".join(package.parts).removeprefix("src.")
    return name != "calltally" and any(f"{each}.".startswith(f"{name}.") for each in _imported(source))
