"""Where the tellers of a call do not agree, and which ids proved to be one call."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from calltally.calls.model import FINAL

Record = Mapping[str, Any]

_PARTIES: Final = ("direction", "from_number", "to_number")


class ConflictingValue(NamedTuple):
    """One value, who told it, and whether it is what counts."""

    value: str
    by: Sequence[str]
    counts: bool


class FieldConflict(NamedTuple):
    """A field of which different things were told."""

    name: str
    claims: Sequence[ConflictingValue]


def field_conflicts(call: Record) -> Iterator[FieldConflict]:
    """The fields in dispute, of a call as the API answers it."""
    for name in ("status", *_PARTIES):
        claims: dict[str, list[str]] = {}
        for fact in call["events"]:
            value = fact["said"].get(name)
            if value is not None and (name != "status" or value in FINAL):
                claims.setdefault(str(value), []).append(source_name(fact))
        if len(claims) > 1:
            yield FieldConflict(
                name,
                [
                    ConflictingValue(value, list(dict.fromkeys(by)), value == call[name])
                    for value, by in claims.items()
                ],
            )


def other_ids(call: Record) -> list[str]:
    """The SIDs that lead to this call beside its own."""
    told = dict.fromkeys(fact["call_sid"] for fact in call["events"])
    return [sid for sid in told if sid != call["call_sid"]]


def source_name(fact: Record) -> str:
    """Who told a fact: the provider, and by which door."""
    return " / ".join(part for part in (fact["provider"], fact["door"].replace("_", " ")) if part)
