"""Rules about words: plain names, plain openings of docstrings, one class for a name."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from tools.house_rules.source import Finding, Source

CODE: Final = ("src", "tools", "bench", "interop", "ops", "examples")
BANNED: Final = frozenset(
    {
        *("told", "tell", "tells", "teller", "telling", "said", "say", "says", "saying"),
        *("ask", "asks", "asked", "asking", "shown", "drawn", "begun", "had", "remembered", "seen", "looked"),
        *("turn", "turns", "door", "doors", "way", "ways", "place", "places", "beside", "apart", "beneath"),
        *("crew", "likeness", "worsening", "patience", "whoever", "whatever"),
    }
)
# Words of requests, responses, cookies and tables, which cannot change, and why each is in the code.
WIRE_NAMES: Final[Mapping[str, str]] = {
    "begun_us": "column of deliveries",
    "door": "field of facts in the API",
    "looked_at": "field of reconciliations in the API",
    "said": "field of facts in the API",
    "seen_us": "field of the session cookie",
    "told": "field of alerts in the API",
    "told_at": "field of alerts in the API",
    "told_us": "column of the ledger of effects",
    "turns": "column of the evaluations of alerts",
}
# A turn of a conversation is the field's own term, here only.
CONVERSATIONS: Final = (
    "src/calltally/calls",
    "src/calltally/client/sessions.py",
    "src/calltally/client/webhooks.py",
    "src/calltally/ingest",
    "src/calltally/providers",
    "src/calltally/store/ledger",
    "src/calltally/store/listing/sessions.py",
    "src/calltally/web/api/voice_sessions",
    "src/calltally/web/dashboard/call",
    "interop",
)
CONVERSATION_WORDS: Final = frozenset({"turn", "turns"})

WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
OPENING: Final = re.compile(r"(What|Whether|Where|Who|Whose|Whatever|Whoever)\b")
DOCUMENTED: Final = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _named(node: ast.AST) -> str | None:
    """Return the name that a node defines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return name
        case ast.arg(arg=name) | ast.alias(asname=str(name)):
            return name
        case ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
    return None


def _banned_in(name: str, path: str) -> list[str]:
    if name.strip("_") in WIRE_NAMES:
        return []
    words = {word.lower() for word in WORD.findall(name)} & BANNED
    # Only a found word needs the path, whose comparison costs a hundred times as much.
    if words and any(PurePosixPath(path).is_relative_to(folder) for folder in CONVERSATIONS):
        words -= CONVERSATION_WORDS
    return sorted(words)


def plain_names(source: Source) -> Iterator[Finding]:
    """A name is the field's own term, so that a stranger who searches for it finds it."""
    if not (source.is_python and source.within(*CODE)):
        return
    remedy = "use the field's own term instead of '{}' in {}"
    for part in PurePosixPath(source.path).with_suffix("").parts:
        for word in _banned_in(part, source.path):
            yield Finding(source.path, 1, "plain-names", remedy.format(word, part))
    for node in source.nodes:
        name = _named(node) or ""
        for word in _banned_in(name, source.path):
            yield Finding(source.path, getattr(node, "lineno", 1), "plain-names", remedy.format(word, name))


def plain_openings(source: Source) -> Iterator[Finding]:
    """A docstring that begins with a clause makes the reader wait for its subject."""
    for node in source.nodes:
        if isinstance(node, DOCUMENTED) and (found := OPENING.match(ast.get_docstring(node) or "")):
            remedy = f"begin with the verb of the function or the noun of the thing, not '{found[0]}'"
            yield Finding(source.path, getattr(node, "lineno", 1), "plain-openings", remedy)


def unique_classes(sources: Iterable[Source]) -> Iterator[Finding]:
    """A public class that shares its name with another one is imported by mistake, and hard to find."""
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for source in sources:
        if source.within("src"):
            for node in source.nodes:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append((source.path, node.lineno))
    for name, positions in found.items():
        for path, line in positions[1:]:
            remedy = f"name {name} by its subject; {positions[0][0]} has a class of that name"
            yield Finding(path, line, "unique-classes", remedy)
