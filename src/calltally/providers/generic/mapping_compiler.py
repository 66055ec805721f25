"""Compiler of a mapping's TOML: a mapping, or all its faults by line."""

import codecs
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from calltally.providers.generic.event_rules import compile_rules, names_in_rules
from calltally.providers.generic.field_compiler import (
    compile_field,
    compile_path_at,
    compile_paths,
    compile_words,
)
from calltally.providers.generic.mapping import FIELDS, BodyFormat, CompiledMapping, CsvLayout, MappedField
from calltally.providers.generic.paths import Path
from calltally.providers.generic.toml_document import TomlDocument
from calltally.providers.generic.transcript import compile_transcript
from calltally.providers.generic.verification import compile_verification
from calltally.providers.local_time import zone_of

_TOP_KEYS: Final = (
    *("provider", "carrier", "format", "events", "time_zone", "volatile"),
    *("csv", "verify", "fields", "words", "metadata", "when", "transcript"),
)
_CSV_KEYS: Final = ("delimiter", "quote", "encoding", "columns")
_MAX_METADATA: Final = 50
_MAX_NAME_CHARS: Final = 64
_ASCII: Final = bytes(range(0x20, 0x7F))


@lru_cache(maxsize=256)
def compile_mapping(text: str) -> CompiledMapping:
    """Compile a mapping from TOML. Raises InvalidInput with all its faults."""
    document = TomlDocument(text)
    content = document.content
    document.check_keys(content, _TOP_KEYS)
    time_zone = document.value(content, "time_zone", str, "UTC", "time_zone")
    document.try_call("time_zone", lambda: zone_of(time_zone))
    words = compile_words(document)
    fields = _fields(document, words)
    mapping = CompiledMapping(
        provider=_provider(document),
        is_carrier=document.value(content, "carrier", bool, False, "carrier"),  # noqa: FBT003 (the default)
        format=_format(document),
        events=compile_path_at(document, content["events"], "events") if "events" in content else None,
        time_zone=time_zone,
        csv=_csv_layout(document),
        verification=compile_verification(document, content["verify"]) if "verify" in content else None,
        fields=tuple(fields),
        metadata=tuple(_metadata(document)),
        volatile=compile_paths(document, content.get("volatile", []), "volatile"),
        rules=compile_rules(document, fields, words),
        transcript=compile_transcript(document),
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


def _fields(document: TomlDocument, words: Mapping[str, Mapping[str, str]]) -> list[MappedField]:
    fields_table = document.table(document.content, "fields")
    document.check_keys(fields_table, [*FIELDS], "fields.")
    document.check_keys(words, [*FIELDS], "words.")
    if "call_sid" not in fields_table:
        document.fault("fields.call_sid", "is missing: add the path to the id of the call")
    named = {*fields_table, *names_in_rules(document)}
    for name in words:
        if name not in named:
            document.fault(f"words.{name}", f"needs a field fields.{name}, which is missing")
    for name in ("status", "direction"):
        # Without a table each of the provider's words would fail one by one, at run time.
        if isinstance(fields_table.get(name), str) and name not in words:
            document.fault(
                f"fields.{name}", f"needs a table [words.{name}] with the provider's words and their meanings"
            )
    fields = [
        compile_field(document, name, value, words.get(name))
        for name, value in fields_table.items()
        if name in FIELDS
    ]
    return [field for field in fields if field is not None]


def _metadata(document: TomlDocument) -> list[tuple[str, Path]]:
    table = document.table(document.content, "metadata")
    if len(table) > _MAX_METADATA:
        document.fault("metadata", f"has more than {_MAX_METADATA} lines")
    found = [(name, compile_path_at(document, value, f"metadata.{name}")) for name, value in table.items()]
    return [(name, path) for name, path in found if path is not None]
