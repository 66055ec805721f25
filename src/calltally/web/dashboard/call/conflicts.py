"""Contradicting facts of a call, and its other SIDs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from calltally.calls.model import FINAL

Record = Mapping[str, Any]

_PARTIES: Final = ("direction", "from_number", "to_number")


class ConflictingValue(NamedTuple):
    """One value, its sources, and whether the record uses it."""

    value: str
    by: Sequence[str]
    counts: bool


class FieldConflict(NamedTuple):
    """A field with different values."""

    name: str
    values: Sequence[ConflictingValue]


def field_conflicts(call: Record) -> Iterator[FieldConflict]:
    """Yield the fields with contradicting values, of a call as the API returns it."""
    for name in ("status", *_PARTIES):
        values: dict[str, list[str]] = {}
        for fact in call["events"]:
            value = fact["said"].get(name)
            if value is not None and (name != "status" or value in FINAL):
                values.setdefault(str(value), []).append(source_name(fact))
        if len(values) > 1:
            yield FieldConflict(
                name,
                [
                    ConflictingValue(value, list(dict.fromkeys(by)), value == call[name])
                    for value, by in values.items()
                ],
            )


def other_ids(call: Record) -> list[str]:
    """Return the other SIDs of this call."""
    sids = dict.fromkeys(fact["call_sid"] for fact in call["events"])
    return [sid for sid in sids if sid != call["call_sid"]]


def source_name(fact: Record) -> str:
    """Return the source of a fact: its provider and channel."""
    return " / ".join(part for part in (fact["provider"], fact["door"].replace("_", " ")) if part)
