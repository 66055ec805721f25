"""Compiler of a mapping's fields, their words and their paths."""

from collections.abc import Mapping
from typing import Any, Final

from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.providers.generic.mapping import FIELDS, IGNORE, UNSAID, MappedField
from calltally.providers.generic.paths import Path, compile_path
from calltally.providers.generic.readers import (
    MAX_FORMAT_CHARS,
    TIME,
    FieldParsers,
    ReadValue,
    strptime_reader,
)
from calltally.providers.generic.toml_document import TomlDocument
from calltally.providers.value_parsers import MAX_WORD_CHARS

_FIELD_KEYS: Final = ("path", "join", "read", "format", "value")
_MAX_PATHS: Final = 10
_MAX_WORDS: Final = 2_000
# Allowed meanings of these fields. Words of other fields may have any meaning.
_ALLOWED_MEANINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (*STATUSES, UNSAID, IGNORE),
    "direction": (*DIRECTIONS, UNSAID),
    "transfer_outcome": ("requested", "bridged", "failed", UNSAID),
}


def compile_words(document: TomlDocument) -> dict[str, dict[str, str]]:
    """Compile the tables `[words.FIELD]`, their words without case."""
    tables: dict[str, dict[str, str]] = {}
    for name, table in document.table(document.content, "words").items():
        if not isinstance(table, dict) or len(table) > _MAX_WORDS:
            document.fault(f"words.{name}", f"must be a table of at most {_MAX_WORDS} lines")
            continue
        allowed = _ALLOWED_MEANINGS.get(name)
        for word, meaning in table.items():
            if not isinstance(meaning, str) or len(meaning) > MAX_WORD_CHARS or "\0" in meaning:
                document.fault(f"words.{name}.{word}", "must be text in quotes")
            elif allowed and meaning not in allowed:
                document.fault(
                    f"words.{name}.{word}", f"is {meaning!r}; it must be one of {', '.join(allowed)}"
                )
        tables[name] = {word.strip().casefold(): meaning for word, meaning in table.items()}
        if len(tables[name]) < len(table):
            document.fault(f"words.{name}", "contains a word twice: case is ignored")
    return tables


def compile_field(
    document: TomlDocument,
    name: str,
    spec: Any,  # noqa: ANN401 (TOML)
    words: Mapping[str, str] | None,
    within: str = "fields",
) -> MappedField | None:
    """Compile one line of `[fields]`, or of the fields of a rule; add its faults to the document."""
    at, (into, kind) = f"{within}.{name}", FIELDS[name]
    if isinstance(spec, str | list):
        spec = {"path": spec}
    if not isinstance(spec, dict):
        document.fault(at, "must be a path in quotes, a list of paths, or a table with path, join or value")
        return None
    document.check_keys(spec, _FIELD_KEYS, f"{at}.")
    if len({"path", "join", "value"} & spec.keys()) != 1:
        document.fault(at, "needs one of path, join and value")
        return None
    if "value" in spec:
        return _constant(document, name, spec["value"], at)
    joined = "join" in spec
    paths = compile_paths(document, spec["join" if joined else "path"], at)
    if joined and not words:
        document.fault(at, f"join needs a table [words.{name}] for the joined words")
    return MappedField(name, into, paths, _reader(document, at, kind, spec), words, None, joined)


def _reader(document: TomlDocument, at: str, kind: FieldParsers, spec: Mapping[str, Any]) -> ReadValue | None:
    if "format" in spec:
        pattern = document.value(spec, "format", str, "%Y", f"{at}.format")
        if kind is not TIME:
            document.fault(f"{at}.format", "is for times only; use read = … for other fields")
        return document.try_call(f"{at}.format", lambda: strptime_reader(pattern[: MAX_FORMAT_CHARS + 1]))
    name = document.value(spec, "read", str, kind.default, f"{at}.read")
    if name not in kind.readers:
        document.fault(
            f"{at}.read", f"is {name[:40]!r}; this field is read as one of {', '.join(kind.readers)}"
        )
        return None
    return kind.readers[name]


def _constant(document: TomlDocument, name: str, value: Any, at: str) -> MappedField | None:  # noqa: ANN401 (TOML)
    """Compile a constant value: parse it once, like a value of an event."""
    into, kind = FIELDS[name]
    if not isinstance(value, str | int | float):
        document.fault(f"{at}.value", "must be text, a number, or true or false")
        return None
    allowed = _ALLOWED_MEANINGS.get(name, (str(value),))
    if value not in allowed:
        document.fault(f"{at}.value", f"is {value!r}; it must be one of {', '.join(allowed)}")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    read = kind.readers[kind.default]
    constant = document.try_call(f"{at}.value", lambda: read(text, "UTC"))
    return MappedField(name, into, (), constant=constant)


def compile_paths(document: TomlDocument, spec: Any, at: str) -> tuple[Path, ...]:  # noqa: ANN401 (TOML)
    """Compile a path, or a list of paths."""
    listed = [spec] if isinstance(spec, str) else spec
    if not isinstance(listed, list) or len(listed) > _MAX_PATHS:
        document.fault(at, f"must be a path in quotes, or a list of at most {_MAX_PATHS}")
        return ()
    found = [compile_path_at(document, each, at) for each in listed]
    return tuple(path for path in found if path is not None)


def compile_path_at(document: TomlDocument, text: Any, at: str) -> Path | None:  # noqa: ANN401 (TOML)
    """Compile a path of the key `at`; add its fault to the document."""
    if not isinstance(text, str):
        document.fault(at, "must be a path in quotes, such as call.id")
        return None
    return document.try_call(at, lambda: compile_path(text))
