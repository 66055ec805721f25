"""From a mapping's TOML to the mapping, or to each thing that is wrong with it, by line."""

import codecs
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.providers.generic.checks import compile_check
from calltally.providers.generic.mapping import FIELDS, IGNORE, UNSAID, FieldMap, Format, Mapped, Table
from calltally.providers.generic.paths import Path, compile_path
from calltally.providers.generic.readers import MAX_FORMAT_CHARS, TIME, Kind, Read, by_format
from calltally.providers.generic.reading_toml import Document
from calltally.providers.local_time import zone_of
from calltally.providers.value_parsers import MAX_WORD_CHARS

_TOP: Final = (
    *("provider", "carrier", "format", "events", "time_zone", "volatile"),
    *("csv", "verify", "fields", "words", "metadata"),
)
_FIELD_KEYS: Final = ("path", "join", "read", "format", "value")
_CSV_KEYS: Final = ("delimiter", "quote", "encoding", "columns")
_MAX_PATHS: Final = 10
_MAX_METADATA: Final = 50
_MAX_WORDS: Final = 2_000
_MAX_NAME_CHARS: Final = 64
# What one of these may mean; the words of all other fields may mean anything.
_MEANINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (*STATUSES, UNSAID, IGNORE),
    "direction": (*DIRECTIONS, UNSAID),
    "transfer_outcome": ("requested", "bridged", "failed", UNSAID),
}
_ASCII: Final = bytes(range(0x20, 0x7F))


@lru_cache(maxsize=256)
def compile_mapping(text: str) -> Mapped:
    """The mapping that a TOML text is. Raises InvalidInput with all its faults."""
    document = Document(text)
    content = document.content
    document.only(content, _TOP)
    time_zone = document.value(content, "time_zone", str, "UTC", "time_zone")
    document.made("time_zone", lambda: zone_of(time_zone))
    mapped = Mapped(
        provider=_provider(document),
        is_carrier=document.value(content, "carrier", bool, False, "carrier"),  # noqa: FBT003 (the default)
        format=_format(document),
        events=_path(document, content["events"], "events") if "events" in content else None,
        time_zone=time_zone,
        table=_table(document),
        check=compile_check(document, content["verify"]) if "verify" in content else None,
        fields=tuple(_fields(document)),
        metadata=tuple(_metadata(document)),
        volatile=_paths(document, content.get("volatile", []), "volatile"),
    )
    document.check()
    return mapped


def _provider(document: Document) -> str:
    name = document.value(document.content, "provider", str, "", "provider")
    if not 1 <= len(name) <= _MAX_NAME_CHARS or "\0" in name:
        document.fault("provider", f"say whose calls these are, in 1 to {_MAX_NAME_CHARS} characters")
    return name


def _format(document: Document) -> Format:
    name = document.value(document.content, "format", str, "json", "format")
    if name not in [*Format]:
        document.fault("format", f"is {name[:40]!r}; it has to be one of {', '.join(Format)}")
        return Format.JSON
    return Format(name)


def _table(document: Document) -> Table:
    told = document.table(document.content, "csv")
    document.only(told, _CSV_KEYS, "csv.")
    given = {
        key: document.value(told, key, str, default, f"csv.{key}")
        for key, default in (("delimiter", ","), ("quote", '"'), ("encoding", "utf-8"))
    }
    for key in ("delimiter", "quote"):
        if len(given[key]) != 1 or given[key] in "\r\n\0":
            document.fault(f"csv.{key}", r'has to be one character, like ";" or "\t"')
    document.made("csv.encoding", lambda: check_encoding(given["encoding"]))
    columns = document.value(told, "columns", list, [], "csv.columns")
    if not all(isinstance(each, str) for each in columns):
        document.fault("csv.columns", "has to be a list of names in quotes")
    return Table(**given, columns=tuple(map(str, columns)))


def check_encoding(name: str) -> None:
    """Raise ValueError for an encoding that is unknown, or whose lines do not end as those of ASCII do."""
    try:
        codecs.lookup(name)
        fits = _ASCII.decode(name) == _ASCII.decode()
    except ValueError:
        fits = False
    except LookupError as fault:
        raise ValueError(f"there is no encoding {name[:40]!r}; write utf-8, latin-1 or cp1252") from fault
    if not fits:
        raise ValueError(f"{name[:40]!r} is not read line by line; convert the file to utf-8 first")


def _fields(document: Document) -> list[FieldMap]:
    told = document.table(document.content, "fields")
    words = _words(document)
    document.only(told, [*FIELDS], "fields.")
    document.only(words, [*FIELDS], "words.")
    if "call_sid" not in told:
        document.fault("fields.call_sid", "is missing: without it nobody knows which call an event is of")
    for name in words:
        if name not in told:
            document.fault(f"words.{name}", f"is a table for fields.{name}, which is not there")
    for name in ("status", "direction"):
        # Without a table every word but ours would be refused one by one, much later.
        if isinstance(told.get(name), str) and name not in words:
            document.fault(f"fields.{name}", f"needs a table [words.{name}] of their words and ours")
    fields = [
        _field(document, name, value, words.get(name)) for name, value in told.items() if name in FIELDS
    ]
    return [field for field in fields if field is not None]


def _words(document: Document) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {}
    for name, table in document.table(document.content, "words").items():
        if not isinstance(table, dict) or len(table) > _MAX_WORDS:
            document.fault(f"words.{name}", f"has to be a table of at most {_MAX_WORDS} lines")
            continue
        allowed = _MEANINGS.get(name)
        for theirs, ours in table.items():
            if not isinstance(ours, str) or len(ours) > MAX_WORD_CHARS or "\0" in ours:
                document.fault(f"words.{name}.{theirs}", "has to be text in quotes")
            elif allowed and ours not in allowed:
                document.fault(
                    f"words.{name}.{theirs}", f"is {ours!r}; it has to be one of {', '.join(allowed)}"
                )
        tables[name] = {theirs.strip().casefold(): ours for theirs, ours in table.items()}
        if len(tables[name]) < len(table):
            document.fault(f"words.{name}", "has a word twice: capitals make no difference")
    return tables


def _field(document: Document, name: str, told: Any, words: Mapping[str, str] | None) -> FieldMap | None:  # noqa: ANN401 (TOML)
    at, (into, kind) = f"fields.{name}", FIELDS[name]
    if isinstance(told, str | list):
        told = {"path": told}
    if not isinstance(told, dict):
        document.fault(at, "has to be a path in quotes, a list of paths, or a table with path, join or value")
        return None
    document.only(told, _FIELD_KEYS, f"{at}.")
    if len({"path", "join", "value"} & told.keys()) != 1:
        document.fault(at, "needs one of path, join and value")
        return None
    if "value" in told:
        return _constant(document, name, told["value"])
    joined = "join" in told
    paths = _paths(document, told["join" if joined else "path"], at)
    if joined and not words:
        document.fault(at, f"join needs a table [words.{name}] in which the joined words are looked up")
    return FieldMap(name, into, paths, _read(document, at, kind, told), words, None, joined)


def _read(document: Document, at: str, kind: Kind, told: Mapping[str, Any]) -> Read | None:
    if "format" in told:
        pattern = document.value(told, "format", str, "%Y", f"{at}.format")
        if kind is not TIME:
            document.fault(f"{at}.format", "is for times; say read = … for other fields")
        return document.made(f"{at}.format", lambda: by_format(pattern[: MAX_FORMAT_CHARS + 1]))
    name = document.value(told, "read", str, kind.default, f"{at}.read")
    if name not in kind.readers:
        document.fault(
            f"{at}.read", f"is {name[:40]!r}; this field is read as one of {', '.join(kind.readers)}"
        )
        return None
    return kind.readers[name]


def _constant(document: Document, name: str, value: Any) -> FieldMap | None:  # noqa: ANN401 (TOML)
    """The same value for every event: read once as theirs would be."""
    at, (into, kind) = f"fields.{name}", FIELDS[name]
    if not isinstance(value, str | int | float):
        document.fault(f"{at}.value", "has to be text, a number, or true or false")
        return None
    allowed = _MEANINGS.get(name, (str(value),))
    if value not in allowed:
        document.fault(f"{at}.value", f"is {value!r}; it has to be one of {', '.join(allowed)}")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    read = kind.readers[kind.default]
    constant = document.made(f"{at}.value", lambda: read(text, "UTC"))
    return FieldMap(name, into, (), constant=constant)


def _metadata(document: Document) -> list[tuple[str, Path]]:
    told = document.table(document.content, "metadata")
    if len(told) > _MAX_METADATA:
        document.fault("metadata", f"has more than {_MAX_METADATA} lines")
    found = [(name, _path(document, value, f"metadata.{name}")) for name, value in told.items()]
    return [(name, path) for name, path in found if path is not None]


def _paths(document: Document, told: Any, at: str) -> tuple[Path, ...]:  # noqa: ANN401 (TOML)
    listed = [told] if isinstance(told, str) else told
    if not isinstance(listed, list) or len(listed) > _MAX_PATHS:
        document.fault(at, f"has to be a path in quotes, or a list of at most {_MAX_PATHS}")
        return ()
    found = [_path(document, each, at) for each in listed]
    return tuple(path for path in found if path is not None)


def _path(document: Document, told: Any, at: str) -> Path | None:  # noqa: ANN401 (TOML)
    if not isinstance(told, str):
        document.fault(at, "has to be a path in quotes, like call.id")
        return None
    return document.made(at, lambda: compile_path(told))
