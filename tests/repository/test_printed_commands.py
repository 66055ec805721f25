"""Commands that documents, pages, messages and help print are commands that there are."""

import ast
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import pytest
import typer

import calltally
from calltally.cli.main import app
from calltally.settings.fields import PREFIX, Settings
from calltally.settings.reading import CLIENT_VARIABLES, CONFIG_VARIABLE
from calltally.web.app import HANDLERS
from calltally.web.openapi.document import openapi_document
from tests.acceptance import pages

PACKAGE: Final = Path(calltally.__file__).parent
TEMPLATES: Final = sorted(PACKAGE.rglob("*.html"))
SCRIPTS: Final = sorted(path for path in PACKAGE.rglob("*.js") if path.parent.name != "built")
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
DOCUMENTS: Final = (*pages.PAGES, pages.ROOT / "CHANGELOG.md")
# What a shell may have in front of a command.
_BEGINS: Final = {
    "|",
    "||",
    "&&",
    ";",
    "(",
    "{",
    "&",
    "do",
    "then",
    "else",
    "if",
    "!",
    "exec",
    "time",
    "until",
}
_SETS: Final = re.compile(r"\w+=")
_ENDS: Final = re.compile(r"[|&;()<>]+")
_INLINE: Final = re.compile(r"`\s*(calltally\s[^`]+)`|\brun (calltally [a-z -]+)")
_PRINTED: Final = re.compile(r"<pre[^>]*>\s*((?:calltally|curl)\s.*?)</pre>", re.DOTALL)
_FILLED: Final = re.compile(r"\{\{.*?\}\}")
# Any command in a string of a module; to parse all modules takes a second, in each worker.
_MENTIONED: Final = re.compile(r"calltally[^._/\w-]")
_VARIABLE: Final = re.compile(r"\bCALLTALLY_?[A-Z][A-Z_]*[A-Z]\b")
# Of the tests and of `make`, which the documents of contributors name.
_OF_CONTRIBUTORS: Final = {"CALLTALLY_BROWSER"}


class Printed(NamedTuple):
    """A command as it is printed; whole, or only named in a sentence."""

    location: str
    words: tuple[str, ...]
    is_whole: bool

    def __str__(self) -> str:
        return f"{self.location}: {shlex.join(self.words)}"


def named(path: Path) -> str:
    return str(path.relative_to(pages.ROOT))


def strings(path: Path) -> Iterator[str]:
    """All strings of a module, docstrings among them; a value in one is an x."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    joined = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    inner = {id(value) for node in joined for value in node.values}
    for node in joined:
        yield "".join(str(v.value) if isinstance(v, ast.Constant) else "x" for v in node.values)
    for each in nodes:
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in inner:
            yield each.value


def in_shell(text: str, name: str) -> Iterator[tuple[str, ...]]:
    """Each call of a command in lines for a shell: the words up to where a pipe or the like begins."""
    for line in text.replace("\\\n", " ").splitlines():
        if name not in line:
            continue
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        try:
            words = list(reader)
        except ValueError:
            # A quotation that goes on: what is before it is enough.
            words = [word.strip("\"'") for word in line.split()]
        yield from _calls(words, name)


def _calls(words: list[str], name: str) -> Iterator[tuple[str, ...]]:
    for at, word in enumerate(words):
        before = words[at - 1] if at else ";"
        is_called = word == name or word.endswith(f"bin/{name}")
        if is_called and (before in _BEGINS or _ENDS.fullmatch(before) or _SETS.match(before)):
            rest = words[at + 1 :]
            end = next((n for n, each in enumerate(rest) if _ENDS.fullmatch(each)), len(rest))
            yield (name, *rest[:end])


def shell_blocks(path: Path) -> str:
    return "\n".join(block.text for block in pages.blocks(path) if block.info.startswith("sh"))


def inline(location: str, text: str) -> Iterator[Printed]:
    for found in _INLINE.finditer(text):
        words = (found[1] or found[2]).replace("…", " ").split()
        yield Printed(location, tuple(words), is_whole=False)


def printed() -> Iterator[Printed]:
    for path in DOCUMENTS:
        for words in in_shell(shell_blocks(path), "calltally"):
            yield Printed(named(path), words, is_whole=True)
        yield from inline(named(path), pages.prose(path))
    for path in (*TEMPLATES, *SCRIPTS):
        text = _FILLED.sub("x", path.read_text())
        for found in _PRINTED.finditer(text):
            for words in in_shell(found[1], "calltally"):
                yield Printed(named(path), words, is_whole=True)
        yield from inline(named(path), text)
    for path in MODULES:
        for text in strings(path) if _MENTIONED.search(path.read_text()) else ():
            yield from inline(named(path), text)


COMMANDS: Final = sorted(set(printed()))
ROOT: Final[Any] = typer.main.get_command(app)


def test_commands_are_found_everywhere() -> None:
    locations = {each.location.split("/")[0] for each in COMMANDS}
    assert {"README.md", "docs", "src", "CHANGELOG.md"} <= locations
    assert any(each.location.endswith(".html") and each.is_whole for each in COMMANDS)
    assert len(COMMANDS) > 200


@pytest.mark.parametrize("printed", COMMANDS, ids=str)
def test_a_printed_command_is_one_that_there_is(printed: Printed) -> None:
    command, words = ROOT, list(printed.words[1:])
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no such command: {printed}"
        command = command.commands[words.pop(0)]
    if "--help" in words or not words:
        assert not printed.is_whole or words or not hasattr(command, "commands"), f"incomplete: {printed}"
        return
    if not printed.is_whole:
        words += ["x"] * _is_cut_short(command, words[-1])
    given, left, _order = command.make_parser(command.context_class(command, info_name="x")).parse_args(words)
    assert not left, f"it takes no {left}: {printed}"
    if printed.is_whole:
        lacks = [each.name for each in command.params if each.required and given.get(each.name) is None]
        assert not lacks, f"it needs {lacks}: {printed}"


def _is_cut_short(command: Any, last: str) -> bool:  # noqa: ANN401 (the CLI library's own)
    """Tell whether a sentence names an option without the value that it takes."""
    return any(last in each.opts and not each.is_flag for each in command.params if hasattr(each, "is_flag"))


# ------------------------------------------------------------------------------------------------- variables


def texts() -> Iterator[tuple[str, str]]:
    for path in (*DOCUMENTS, *TEMPLATES, *SCRIPTS):
        yield named(path), path.read_text()
    for path in MODULES:
        yield named(path), "\n".join(strings(path))


def test_every_variable_that_is_printed_is_one_that_there_is() -> None:
    there_are = {PREFIX + name.upper() for name in Settings.model_fields}
    there_are |= {CONFIG_VARIABLE, *CLIENT_VARIABLES, *_OF_CONTRIBUTORS}
    unknown = {(location, name) for location, text in texts() for name in _VARIABLE.findall(text)}
    assert sorted((location, name) for location, name in unknown if name not in there_are) == []


# ------------------------------------------------------------------------------------------------------ curl


def requests() -> Iterator[tuple[str, str, str]]:
    """Yield the position, method and path of each curl that calls this service."""
    for path in DOCUMENTS:
        for words in in_shell(shell_blocks(path), "curl"):
            urls = [word for word in words if "/api/" in word or word.endswith(("/readyz", "/metrics"))]
            for url in urls:
                yield named(path), _method(words), urlsplit(os.path.expandvars(url)).path


def _method(words: tuple[str, ...]) -> str:
    if "-X" in words:
        return words[words.index("-X") + 1]
    return "POST" if {"-d", "--data-binary", "--data"} & set(words) else "GET"


def test_every_curl_of_the_documents_requests_an_existing_path() -> None:
    there_are = [
        (method.upper(), re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(path))))
        for path, methods in openapi_document(HANDLERS, None)["paths"].items()
        for method in methods
    ]
    unknown = [
        (location, method, path)
        for location, method, path in requests()
        if not any(method == known and pattern.fullmatch(path) for known, pattern in there_are)
    ]
    assert len(list(requests())) > 50
    assert unknown == []
