"""Suggestions for unknown names: the name of another API, another writing, or a misspelling."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

import msgspec

# A longer name is no misspelling, and comparing it would take long.
_MAX_CHARS: Final = 40
# Of the outermost object: a path would follow otherwise.
_UNKNOWN_FIELD: Final = re.compile(r"unknown field `([^`]*)`$")
# Names that other APIs use, by the name here.
_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "limit": ("per_page", "page_size", "pagesize", "perpage", "size", "count", "max", "take", "top"),
    "offset": ("page", "page_number", "skip", "start_index"),
    "from": ("since", "start", "start_date", "start_time", "created_after", "after_date", "date_from", "gte"),
    "to": ("until", "end", "end_date", "end_time", "created_before", "before_date", "date_to", "lt"),
    "order": ("sort", "sort_by", "order_by", "direction_of_sort"),
    "after": ("cursor", "starting_after", "next", "page_token", "since"),
    "q": ("query", "search", "text", "filter"),
    "number": ("phone", "phone_number", "msisdn"),
    "from_number": ("caller", "caller_number", "caller_id", "from_phone"),
    "to_number": ("callee", "called_number", "dialed_number", "to_phone"),
    "parent_call_sid": ("parent", "parent_sid", "parent_id", "parent_call_id"),
    "updated_from": ("updated_since", "updated_after", "modified_since", "modified_after", "updated_at"),
    "updated_to": ("updated_until", "updated_before", "modified_before"),
    "call_sid": ("sid", "callsid", "call_id"),
    "agent": ("agent_key", "agent_id", "assistant"),
    "status": ("state", "statuses", "call_status"),
    "canceled": ("cancelled",),
    "no-answer": ("noanswer", "unanswered", "missed"),
    "in-progress": ("inprogress", "answered", "active", "ongoing"),
    "completed": ("complete", "ended", "done"),
    "failed": ("failure", "error"),
    "open": ("firing",),
}


def suggest(name: str, known: Iterable[str]) -> str | None:
    """Return the name in `known` that was probably meant; None if there is none."""
    names = list(known)
    if not name or len(name) > _MAX_CHARS:
        return None
    plain = _plain(name)
    for each in names:
        if plain in {_plain(each), *map(_plain, _SYNONYMS.get(each, ()))}:
            return each
    close = get_close_matches(plain, [_plain(each) for each in names], n=1, cutoff=0.75)
    return next((each for each in names if close and _plain(each) == close[0]), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean X?)`, or an empty text without a suggestion."""
    found = suggest(name, known)
    return f" (did you mean {found}?)" if found else ""


def unknown_parameter_hint(name: str, known: Iterable[str]) -> str:
    """Return the end of a statement that a tenant's key cannot send this parameter."""
    if name == "tenant":
        return ", since a tenant's key determines it"
    return did_you_mean(name, known)


def unknown_field_hint(fault: str, kind: object) -> str:
    """Return the end of a message about an unknown field of a Struct: the one that was meant, or all."""
    unknown = _UNKNOWN_FIELD.search(fault)
    if unknown is None or not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return ""
    fields = [field.encode_name for field in msgspec.structs.fields(kind)]
    return did_you_mean(unknown[1], fields) or f"; the fields are {', '.join(fields)}"


def _plain(name: str) -> str:
    """Write a name without case, brackets and separators: `Call-SID[]` is `callsid`."""
    return name.lower().removesuffix("[]").replace("_", "").replace("-", "")
