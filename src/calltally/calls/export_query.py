"""Request body of a bulk export: the list's filters, and the format and partition of the files."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from calltally.calls.errors import Fault, InvalidBody
from calltally.calls.export_formats import CSV, DEFAULT_FORMAT, FORMATS
from calltally.calls.list_query import PARAMETERS, ListQuery, contradictions, query_of
from calltally.calls.parameters import (
    Parameter,
    one_of,
    quote_value,
    raise_faults,
    read_all,
    text_matching,
    text_schema,
    words_schema,
)

PARTITIONS: Final = ("day", "month")
MAX_LABEL_CHARS: Final = 100
_FORMATS: Final = tuple(FORMATS)
# Positions in a list and the tenant of a list have no meaning in an export.
_EXCLUDED: Final = frozenset({"limit", "offset", "after", "tenant", "format"})
_LABEL_PATTERN: Final = "[A-Za-z0-9._~ -]+"
_LABEL: Final = re.compile(_LABEL_PATTERN)
# Files in the zone database's folder that hold this machine's setting. They are not names of zones.
_NON_ZONES: Final = frozenset({"localtime", "posixrules"})
_LABEL_WORDS: Final = "a name of letters, digits, spaces and . _ ~ -"

EXPORT_FIELDS: Final = (
    *(each for each in PARAMETERS if each.name not in _EXCLUDED),
    Parameter(
        "format",
        "format",
        "Format of the files.",
        words_schema(_FORMATS, default=DEFAULT_FORMAT),
        DEFAULT_FORMAT,
        one_of(_FORMATS),
    ),
    Parameter(
        "partition",
        "partition",
        "One file for each UTC day or month of creation. Without it, all calls are in one file.",
        words_schema(PARTITIONS),
        "month",
        one_of(PARTITIONS),
    ),
    Parameter(
        "name",
        "name",
        "Label of the export, for people.",
        text_schema(MAX_LABEL_CHARS, f"^{_LABEL_PATTERN}$"),
        "October",
        text_matching(_LABEL, _LABEL_WORDS, MAX_LABEL_CHARS),
    ),
)
_FIELD_BY_NAME: Final = {each.name: each for each in EXPORT_FIELDS}
_OWN: Final = ("partition", "name")


class ExportQuery(msgspec.Struct, frozen=True):
    """Parsed request of an export: a list query, and the partition into files."""

    query: ListQuery
    partition: str | None = None
    name: str | None = None


def parse_export_query(body: Mapping[str, Any]) -> ExportQuery:
    """Parse the export request from a JSON object; null counts as left out.

    Raises InvalidBody with all faults.
    """
    pairs: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for name, value in body.items():
        field = _FIELD_BY_NAME.get(name)
        texts = _texts(field, value)
        if texts is None:
            wrong = "neither true nor false" if _is_flag(field) else "no text"
            faults.append(Fault(name, f"{name} is {quote_value(str(value))}, which is {wrong}"))
        else:
            pairs += [(name, text) for text in texts]
    values, more = read_all(pairs, _FIELD_BY_NAME)
    # In a body, parameters are called fields.
    faults = [
        Fault(each.parameter, each.detail.replace("no parameter", "no field"))
        for each in (*faults, *more, *contradictions(values), *_wrong_zone(values))
    ]
    raise_faults(faults, InvalidBody)
    own = {name: values.pop(name) for name in _OWN if name in values}
    return ExportQuery(query_of({"format": DEFAULT_FORMAT, **values}), **own)


def _texts(field: Parameter | None, value: object) -> list[str] | None:
    """Return a value as the texts of a query string; None if it is not of the field's type."""
    if value is None:
        return []
    if _is_flag(field) or isinstance(value, bool):
        is_valid = _is_flag(field) and isinstance(value, bool)
        return ["true" if value else "false"] if is_valid else None
    is_listed = isinstance(value, list) and value and field is not None and field.is_repeatable
    values: list[Any] = value if is_listed and isinstance(value, list) else [value]
    return values if all(isinstance(each, str) for each in values) else None


def _is_flag(field: Parameter | None) -> bool:
    return field is not None and field.schema.get("type") == "boolean"


def _wrong_zone(values: Mapping[str, Any]) -> Iterator[Fault]:
    name = values.get("tz")
    if name is None:
        return
    if values.get("format") != CSV.name:
        yield Fault("tz", "tz is valid only with format csv; all other formats have times in UTC")
    if zone_of(name) is None:
        yield Fault("tz", f"tz {quote_value(name)} is not the name of an IANA time zone")


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone of a name in the IANA database; None for an unknown name."""
    try:
        return None if name in _NON_ZONES else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
