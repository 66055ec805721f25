"""The query of the call list: one declared table that parsing and OpenAPI both read (contract, section 1).

Nothing is clamped or ignored: a misspelt filter must not return everything, so each fault is
told by name, all of them at once.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.errors import Fault, InvalidInput
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.phone import MAX_NUMBER_CHARS, normalise_number
from calltally.calls.times import parse_instant

DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 1_000
MAX_OFFSET: Final = 10**12
MAX_TEXT_CHARS: Final = 200
ORDERS: Final = ("desc", "asc")

_WORDS_OF_BOOL: Final = {"true": True, "false": False}
_INTEGER: Final = re.compile(r"[0-9]{1,19}")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_PUNCTUATION: Final = r"[ ().\-/]*"
_NUMBER_PATTERN: Final = (
    rf"[+ ]{_PUNCTUATION}[1-9](?:{_PUNCTUATION}[0-9]){{6,14}}{_PUNCTUATION}"
    r"|[^\u0000-\u0020\u007f+][^\u0000-\u001f\u007f]*"
)
_NUMBER: Final = re.compile(_NUMBER_PATTERN)
_SHOWN_CHARS: Final = 80
# An answer need not be a hundred times as long as the question.
_MAX_FAULTS: Final = 50


class CallFilter(msgspec.Struct, frozen=True):
    """Which calls of a tenant are meant; a field that is None or empty asks for nothing."""

    statuses: tuple[str, ...] = ()
    direction: str | None = None
    from_us: int | None = None
    to_us: int | None = None
    route: str | None = None
    provider: str | None = None
    agent: str | None = None
    call_sid: str | None = None
    number: str | None = None
    escalated: bool | None = None


class ListQuery(msgspec.Struct, frozen=True):
    """One page of the list: which calls, how many, from where, in which order of time."""

    filter: CallFilter = CallFilter()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    order: str = "desc"
    tenant: str | None = None


class Parameter(NamedTuple):
    """One query parameter, and the field of the query that it fills.

    `parse` takes the text as sent, and raises ValueError with words that complete "<name> …".
    """

    name: str
    field: str
    meaning: str
    schema: Mapping[str, Any]
    example: str
    parse: Callable[[str], Any]
    repeatable: bool = False
    for_admin: bool = False


def shown(value: str) -> str:
    """A value as an error may quote it: cut, and with what cannot be encoded written as an escape."""
    return repr(value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…")


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        # int() takes "+5", "1_0" and the digits of every script; a URL has ASCII ones.
        number = int(text) if _INTEGER.fullmatch(text) else -1
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {shown(text)}")
        return number

    return parse


def _word(words: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {shown(text)}")
        return text

    return parse


def _statuses(text: str) -> tuple[str, ...]:
    unknown = [word for word in text.split(",") if word not in STATUSES]
    if unknown:
        named = ", ".join(map(shown, unknown[:3]))
        raise ValueError(f"must be one or more of {', '.join(STATUSES)}, not {named}")
    return tuple(text.split(","))


def _text(value: str) -> str:
    if len(value) > MAX_TEXT_CHARS:
        raise ValueError(f"must have at most {MAX_TEXT_CHARS} characters, not {len(value)}")
    return value


def _flag(text: str) -> bool:
    return _WORDS_OF_BOOL[_word(tuple(_WORDS_OF_BOOL))(text)]


def _number(text: str) -> str:
    """A leading space is the `+` of a number that a URL decoded."""
    if len(text) > MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text):
        wanted = "an E.164 number (+14155550100, in a URL %2B14155550100) or a short or internal one"
        raise ValueError(f"must be {wanted} of at most {MAX_NUMBER_CHARS} characters, not {shown(text)}")
    return normalise_number("+" + text[1:] if text.startswith(" ") else text)


def _instant(text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise ValueError(f"is {shown(text)}: {fault}") from fault


def _words_schema(words: Sequence[str], **more: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words), **more}


def _range_schema(low: int, high: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


def _text_schema(most_chars: int, pattern: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most_chars, "pattern": pattern}


_LIMIT: Final = _range_schema(1, MAX_LIMIT, DEFAULT_LIMIT)
_OFFSET: Final = _range_schema(0, MAX_OFFSET, 0)
_ORDER: Final = _words_schema(ORDERS, default="desc")
_STATUS: Final = {"type": "array", "minItems": 1, "items": _words_schema(STATUSES)}
_DIRECTION: Final = _words_schema(DIRECTIONS)
_TEXT: Final = _text_schema(MAX_TEXT_CHARS, "^[^\\u0000]+$")
_PARTY: Final = _text_schema(MAX_NUMBER_CHARS, f"^(?:{_NUMBER_PATTERN})$")
_BOOLEAN: Final = {"type": "boolean"}
_INSTANT: Final = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
_SID: Final = "CA1234567890abcdef1234567890abcdef"
_FROM: Final = "Created at or after this time: RFC 3339 with an offset, or a date (midnight UTC)."
_TO: Final = "Created before this time; written as `from` is."
_NUMBER_MEANING: Final = "With this number at either end: E.164, or a short or internal one."

PARAMETERS: Final = (
    Parameter("limit", "limit", "How many calls to return at most.", _LIMIT, "25", _integer(1, MAX_LIMIT)),
    Parameter("offset", "offset", "How many calls to pass over.", _OFFSET, "0", _integer(0, MAX_OFFSET)),
    Parameter(
        "status",
        "statuses",
        "In any of these states; repeat it, or separate by commas.",
        _STATUS,
        "completed",
        _statuses,
        repeatable=True,
    ),
    Parameter(
        "direction",
        "direction",
        "Seen from the tenant: inbound came to it.",
        _DIRECTION,
        "outbound",
        _word(DIRECTIONS),
    ),
    Parameter("from", "from_us", _FROM, _INSTANT, "2026-10-01T00:00:00Z", _instant),
    Parameter("to", "to_us", _TO, _INSTANT, "2026-11-01T00:00:00Z", _instant),
    Parameter("order", "order", "By creation; desc has the newest first.", _ORDER, "desc", _word(ORDERS)),
    Parameter("route", "route", "Of this route.", _TEXT, "appointments", _text),
    Parameter("provider", "provider", "Of this provider.", _TEXT, "twilio", _text),
    Parameter("agent", "agent", "Of this voice agent.", _TEXT, "scheduler", _text),
    Parameter("call_sid", "call_sid", "With this id of the provider's.", _TEXT, _SID, _text),
    Parameter("number", "number", _NUMBER_MEANING, _PARTY, "+14155550100", _number),
    Parameter("escalated", "escalated", "Escalated, or not.", _BOOLEAN, "true", _flag),
    Parameter("tenant", "tenant", "For admins: whose calls.", _TEXT, "acme", _text, for_admin=True),
)


def parse_list_query(pairs: Sequence[tuple[str, str]], *, allow_tenant: bool) -> ListQuery:
    """The query that decoded name and value pairs ask for; raises InvalidInput with every fault in it."""
    known = {each.name: each for each in PARAMETERS if allow_tenant or not each.for_admin}
    faults = [*_unknown(pairs, known), *_repeated(pairs, known)]
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name in known:
            _read(known[name], text, values, faults)
    if "from_us" in values and "to_us" in values and values["from_us"] >= values["to_us"]:
        faults.append(Fault("from", "from must be earlier than to: the window is from <= created_at < to"))
    if faults:
        raise InvalidInput("; ".join(fault.detail for fault in faults[:5]), tuple(faults[:_MAX_FAULTS]))
    return _query(values)


def _unknown(pairs: Sequence[tuple[str, str]], known: Mapping[str, Parameter]) -> Iterable[Fault]:
    for name in dict.fromkeys(name for name, _ in pairs if name not in known):
        detail = f"there is no parameter {shown(name)}; those that exist are {', '.join(known)}"
        yield Fault(shown(name)[1:-1], detail)


def _repeated(pairs: Sequence[tuple[str, str]], known: Mapping[str, Parameter]) -> Iterable[Fault]:
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1 and name in known and not known[name].repeatable:
            yield Fault(name, f"{name} is given {count} times; give it once")


def _read(parameter: Parameter, text: str, values: dict[str, Any], faults: list[Fault]) -> None:
    try:
        value = parameter.parse(_checked(text))
    except ValueError as fault:
        faults.append(Fault(parameter.name, f"{parameter.name} {fault}"))
        return
    values[parameter.field] = values.get(parameter.field, ()) + value if parameter.repeatable else value


def _checked(text: str) -> str:
    if not text:
        raise ValueError("is empty; leave it out to ask for everything")
    if _UNSTORABLE.search(text):
        raise ValueError(f"holds a NUL or half of a surrogate pair: {shown(text)}")
    return text


def _query(values: dict[str, Any]) -> ListQuery:
    asked = values.get("statuses", ())
    # In one order, however they were asked for: the same question has the same ETag.
    values["statuses"] = tuple(str(status) for status in STATUSES if status in asked)
    of_filter = {name: values.pop(name) for name in CallFilter.__struct_fields__ if name in values}
    return ListQuery(filter=CallFilter(**of_filter), **values)
