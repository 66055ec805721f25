"""Compiler of a mapping's `[[when]]` rules: fields that hold for one kind of event."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from calltally.providers.generic.field_compiler import compile_field, compile_path_at
from calltally.providers.generic.mapping import FIELDS, EventRule, MappedField
from calltally.providers.generic.toml_document import TomlDocument

_KEYS: Final = ("path", "is", "ignore", "fields")
_MAX_RULES: Final = 50


def compile_rules(
    document: TomlDocument, fields: Iterable[MappedField], words: Mapping[str, Mapping[str, str]]
) -> tuple[EventRule, ...]:
    """Compile all rules. The fields of a rule replace those of `[fields]` with the same name."""
    rules = [_rule(document, table, list(fields), words) for table in _tables(document)]
    return tuple(rule for rule in rules if rule is not None)


def names_in_rules(document: TomlDocument) -> set[str]:
    """Return the names of all fields in rules."""
    tables = [table.get("fields", {}) for table in _tables(document)]
    return {name for table in tables if isinstance(table, dict) for name in table}


def _tables(document: TomlDocument) -> list[dict[str, Any]]:
    listed: Any = document.content.get("when", [])
    is_valid = isinstance(listed, list) and all(isinstance(each, dict) for each in listed)
    if not is_valid or len(listed) > _MAX_RULES:
        document.fault("when", f"must be at most {_MAX_RULES} tables [[when]]")
        return []
    return list(listed)


def _rule(
    document: TomlDocument,
    table: dict[str, Any],
    fields: list[MappedField],
    words: Mapping[str, Mapping[str, str]],
) -> EventRule | None:
    document.check_keys(table, _KEYS, "when.")
    path = compile_path_at(document, table.get("path"), "when.path")
    kinds = [table["is"]] if isinstance(table.get("is"), str) else table.get("is")
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        document.fault("when.is", "must be a word in quotes, or a list of words")
        return None
    is_ignored = document.value(table, "ignore", bool, False, "when.ignore")  # noqa: FBT003 (the default)
    own = _own_fields(document, table, words)
    if is_ignored == bool(own):
        document.fault("when", "a rule needs either `ignore = true` or a table [when.fields]")
    if path is None:
        return None
    replaced = {field.into: field for field in [*fields, *own]}
    return EventRule(
        path, frozenset(kind.strip().casefold() for kind in kinds), is_ignored, tuple(replaced.values())
    )


def _own_fields(
    document: TomlDocument, table: Mapping[str, Any], words: Mapping[str, Mapping[str, str]]
) -> list[MappedField]:
    given = document.table(table, "fields", "when.fields")
    document.check_keys(given, [*FIELDS], "when.fields.")
    compiled = [
        compile_field(document, name, spec, words.get(name), "when.fields")
        for name, spec in given.items()
        if name in FIELDS
    ]
    return [field for field in compiled if field is not None]
