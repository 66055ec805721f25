"""Compiler of a mapping's TOML: a mapping, or all its faults by line."""

import codecs
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.providers.generic.mapping import (
    FIELDS,
    IGNORE,
    UNSAID,
    BodyFormat,
    CompiledMapping,
    CsvLayout,
    MappedField,
)
from calltally.providers.generic.paths import Path, compile_path
from calltally.providers.generic.readers import MAX_FORMAT_CHARS, TIME, ReadValue, ValueKind, strptime_reader
from calltally.providers.generic.toml_document import TomlDocument
from calltally.providers.generic.verification import compile_verification
from calltally.providers.local_time import zone_of
from calltally.providers.value_parsers import MAX_WORD_CHARS

_TOP_KEYS: Final = (
    *("provider", "carrier", "format", "events", "time_zone", "volatile"),
    *("csv", "verify", "fields", "words", "metadata"),
)
_FIELD_KEYS: Final = ("path", "join", "read", "format", "value")
_CSV_KEYS: Final = ("delimiter", "quote", "encoding", "columns")
_MAX_PATHS: Final = 10
_MAX_METADATA: Final = 50
_MAX_WORDS: Final = 2_000
_MAX_NAME_CHARS: Final = 64
# Allowed meanings of these fields. Words of other fields may have any meaning.
_ALLOWED_MEANINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (*STATUSES, UNSAID, IGNORE),
    "direction": (*DIRECTIONS, UNSAID),
    "transfer_outcome": ("requested", "bridged", "failed", UNSAID),
}
_ASCII: Final = bytes(range(0x20, 0x7F))


@lru_cache(maxsize=256)
def compile_mapping(text: str) -> CompiledMapping:
    """Compile a mapping from TOML. Raises InvalidInput with all its faults."""
    document = TomlDocument(text)
    content = document.content
    document.check_keys(content, _TOP_KEYS)
    time_zone = document.value(content, "time_zone", str, "UTC", "time_zone")
    document.try_call("time_zone", lambda: zone_of(time_zone))
    mapping = CompiledMapping(
        provider=_provider(document),
        is_carrier=document.value(content, "carrier", bool, False, "carrier"),  # noqa: FBT003 (the default)
        format=_format(document),
        events=_path(document, content["events"], "events") if "events" in content else None,
        time_zone=time_zone,
        csv=_csv_layout(document),
        verification=compile_verification(document, content["verify"]) if "verify" in content else None,
        fields=tuple(_fields(document)),
        metadata=tuple(_metadata(document)),
        volatile=_paths(document, content.get("volatile", []), "volatile"),
    )
    document.check()
    return mapping


def _provider(document: TomlDocument) -> str:
    name = document.value(document.content, "provider", str, "", "provider")
    if not 1 <= len(name) <= _MAX_NAME_CHARS or "\0" in name:
        document.fault("provider", f"must name the provider, in 1 to {_MAX_NAME_CHARS} characters")
    return name


def _format(document: TomlDocument) -> BodyFormat:
    name = document.value(document.content, "format", str, "json", "format")
    if name not in [*BodyFormat]:
        document.fault("format", f"is {name[:40]!r}; it must be one of {', '.join(BodyFormat)}")
        return BodyFormat.JSON
    return BodyFormat(name)


def _csv_layout(document: TomlDocument) -> CsvLayout:
    table = document.table(document.content, "csv")
    document.check_keys(table, _CSV_KEYS, "csv.")
    given = {
        key: document.value(table, key, str, default, f"csv.{key}")
        for key, default in (("delimiter", ","), ("quote", '"'), ("encoding", "utf-8"))
    }
    for key in ("delimiter", "quote"):
        if len(given[key]) != 1 or given[key] in "\r\n\0":
            document.fault(f"csv.{key}", r'must be one character, such as ";" or "\t"')
    document.try_call("csv.encoding", lambda: check_encoding(given["encoding"]))
    columns = document.value(table, "columns", list, [], "csv.columns")
    if not all(isinstance(each, str) for each in columns):
        document.fault("csv.columns", "must be a list of names in quotes")
    return CsvLayout(**given, columns=tuple(map(str, columns)))


def check_encoding(name: str) -> None:
    """Raise ValueError for an unknown encoding, or one without ASCII line ends."""
    try:
        codecs.lookup(name)
        fits = _ASCII.decode(name) == _ASCII.decode()
    except ValueError:
        fits = False
    except LookupError as fault:
        raise ValueError(f"there is no encoding {name[:40]!r}; write utf-8, latin-1 or cp1252") from fault
    if not fits:
        raise ValueError(f"{name[:40]!r} has no ASCII line ends; convert the file to utf-8 first")


def _fields(document: TomlDocument) -> list[MappedField]:
    fields_table = document.table(document.content, "fields")
    words = _words(document)
    document.check_keys(fields_table, [*FIELDS], "fields.")
    document.check_keys(words, [*FIELDS], "words.")
    if "call_sid" not in fields_table:
        document.fault("fields.call_sid", "is missing: add the path to the id of the call")
    for name in words:
        if name not in fields_table:
            document.fault(f"words.{name}", f"needs a field fields.{name}, which is missing")
    for name in ("status", "direction"):
        # Without a table each of the provider's words would fail one by one, at run time.
        if isinstance(fields_table.get(name), str) and name not in words:
            document.fault(
                f"fields.{name}", f"needs a table [words.{name}] with the provider's words and their meanings"
            )
    fields = [
        _field(document, name, value, words.get(name))
        for name, value in fields_table.items()
        if name in FIELDS
    ]
    return [field for field in fields if field is not None]


def _words(document: TomlDocument) -> dict[str, dict[str, str]]:
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


def _field(
    document: TomlDocument,
    name: str,
    spec: Any,  # noqa: ANN401 (TOML)
    words: Mapping[str, str] | None,
) -> MappedField | None:
    at, (into, kind) = f"fields.{name}", FIELDS[name]
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
        return _constant(document, name, spec["value"])
    joined = "join" in spec
    paths = _paths(document, spec["join" if joined else "path"], at)
    if joined and not words:
        document.fault(at, f"join needs a table [words.{name}] for the joined words")
    return MappedField(name, into, paths, _reader(document, at, kind, spec), words, None, joined)


def _reader(document: TomlDocument, at: str, kind: ValueKind, spec: Mapping[str, Any]) -> ReadValue | None:
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


def _constant(document: TomlDocument, name: str, value: Any) -> MappedField | None:  # noqa: ANN401 (TOML)
    """Compile a constant value: parse it once, like a value of an event."""
    at, (into, kind) = f"fields.{name}", FIELDS[name]
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


def _metadata(document: TomlDocument) -> list[tuple[str, Path]]:
    table = document.table(document.content, "metadata")
    if len(table) > _MAX_METADATA:
        document.fault("metadata", f"has more than {_MAX_METADATA} lines")
    found = [(name, _path(document, value, f"metadata.{name}")) for name, value in table.items()]
    return [(name, path) for name, path in found if path is not None]


def _paths(document: TomlDocument, spec: Any, at: str) -> tuple[Path, ...]:  # noqa: ANN401 (TOML)
    listed = [spec] if isinstance(spec, str) else spec
    if not isinstance(listed, list) or len(listed) > _MAX_PATHS:
        document.fault(at, f"must be a path in quotes, or a list of at most {_MAX_PATHS}")
        return ()
    found = [_path(document, each, at) for each in listed]
    return tuple(path for path in found if path is not None)


def _path(document: TomlDocument, text: Any, at: str) -> Path | None:  # noqa: ANN401 (TOML)
    if not isinstance(text, str):
        document.fault(at, "must be a path in quotes, such as call.id")
        return None
    return document.try_call(at, lambda: compile_path(text))
