"""What can be asked of a bulk export: the list's filters, and what the files are to be like."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from calltally.calls.errors import Fault, InvalidBody
from calltally.calls.filters import FORMATS, PARAMETERS, ListQuery, contradictions, query_of
from calltally.calls.parameters import (
    Parameter,
    one_of,
    quote_value,
    read_all,
    text_matching,
    text_schema,
    words_schema,
)

PARTITIONS: Final = ("day", "month")
MAX_LABEL_CHARS: Final = 100
EXPORT_FORMATS: Final = tuple(word for word in FORMATS if word != "json")
# Places in a list and whose list it is have no meaning here.
_NOT_HERE: Final = frozenset({"limit", "offset", "after", "tenant", "format"})
_LABEL_PATTERN: Final = "[A-Za-z0-9._~ -]+"
_LABEL: Final = re.compile(_LABEL_PATTERN)
# Files beside the database that say how this machine is set: no names of zones, and other elsewhere.
_NO_ZONES: Final = frozenset({"localtime", "posixrules"})
_LABEL_WORDS: Final = "a name of letters, digits, spaces and . _ ~ -"

EXPORT_FIELDS: Final = (
    *(each for each in PARAMETERS if each.name not in _NOT_HERE),
    Parameter(
        "format",
        "format",
        "What the files are.",
        words_schema(EXPORT_FORMATS, default="ndjson"),
        "ndjson",
        one_of(EXPORT_FORMATS),
    ),
    Parameter(
        "partition",
        "partition",
        "A file for each day or month in which calls were created, by UTC. Without it, one for all.",
        words_schema(PARTITIONS),
        "month",
        one_of(PARTITIONS),
    ),
    Parameter(
        "name",
        "name",
        "For people, to tell exports apart.",
        text_schema(MAX_LABEL_CHARS, f"^{_LABEL_PATTERN}$"),
        "October",
        text_matching(_LABEL, _LABEL_WORDS, MAX_LABEL_CHARS),
    ),
)
_KNOWN: Final = {each.name: each for each in EXPORT_FIELDS}
_OWN: Final = ("partition", "name")


class ExportQuery(msgspec.Struct, frozen=True):
    """A window of calls, in `query` as the list has it, and how it is to be cut into files."""

    query: ListQuery
    partition: str | None = None
    name: str | None = None


def parse_export_query(body: Mapping[str, Any]) -> ExportQuery:
    """The export that a JSON object asks for; null is as good as left out.

    Raises InvalidBody with every fault in it.
    """
    pairs: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for name, value in body.items():
        texts = _texts(_KNOWN.get(name), value)
        if texts is None:
            faults.append(
                Fault(name, f"{name} is {quote_value(str(value))}, which is {_wanted(_KNOWN.get(name))}")
            )
        else:
            pairs += [(name, text) for text in texts]
    values, more = read_all(pairs, _KNOWN)
    _refuse([*faults, *more, *contradictions(values), *_wrong_zone(values)])
    own = {name: values.pop(name) for name in _OWN if name in values}
    return ExportQuery(query_of({"format": "ndjson", **values}), **own)


def _texts(field: Parameter | None, value: object) -> list[str] | None:
    """A value as the texts that a query would have; None where it is not of the field's kind."""
    if value is None:
        return []
    if _is_flag(field) or isinstance(value, bool):
        is_word = _is_flag(field) and isinstance(value, bool)
        return ["true" if value else "false"] if is_word else None
    is_listed = isinstance(value, list) and value and field is not None and field.repeatable
    values: list[Any] = value if is_listed and isinstance(value, list) else [value]
    return values if all(isinstance(each, str) for each in values) else None


def _is_flag(field: Parameter | None) -> bool:
    return field is not None and field.schema.get("type") == "boolean"


def _wanted(field: Parameter | None) -> str:
    return "neither true nor false" if _is_flag(field) else "no text"


def _wrong_zone(values: Mapping[str, Any]) -> Iterator[Fault]:
    name = values.get("tz")
    if name is None:
        return
    if values.get("format") != "csv":
        yield Fault("tz", "tz is for CSV alone: the times of all other formats are UTC")
    if zone_of(name) is None:
        yield Fault("tz", f"tz {quote_value(name)} is not the name of an IANA time zone")


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of a name in the IANA database; None where there is none."""
    try:
        return None if name in _NO_ZONES else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _refuse(faults: list[Fault]) -> None:
    if faults:
        # In a body it is a field that does not exist.
        told = tuple(
            Fault(each.parameter, each.detail.replace("no parameter", "no field")) for each in faults
        )
        raise InvalidBody("; ".join(fault.detail for fault in told[:5]), told[:50])
