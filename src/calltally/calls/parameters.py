"""Query parameters: declared once, read by the handlers and published by OpenAPI.

Nothing is clamped or ignored: a misspelt filter must not return everything, so each fault is
told by name, all of them at once.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from calltally.calls.errors import Fault, InvalidInput
from calltally.calls.identity import parse_uuid
from calltally.calls.phone import MAX_NUMBER_CHARS, normalise_number
from calltally.calls.times import parse_instant

MAX_TEXT_CHARS: Final = 200
# A letter for the kind, and 20 bytes in base32 (see store.tokens).
SNAPSHOT_PATTERN: Final = "s[a-z2-7]{32}"
POINT_PATTERN: Final = "[sp][a-z2-7]{32}"

_WORDS_OF_BOOL: Final = {"true": True, "false": False}
_INTEGER: Final = re.compile(r"[0-9]{1,19}")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_PUNCTUATION: Final = r"[ ().\-/]*"
NUMBER_PATTERN: Final = (
    rf"[+ ]{_PUNCTUATION}[1-9](?:{_PUNCTUATION}[0-9]){{6,14}}{_PUNCTUATION}"
    r"|[^\u0000-\u0020\u007f+][^\u0000-\u001f\u007f]*"
)
_NUMBER: Final = re.compile(NUMBER_PATTERN)
_TOKEN: Final = re.compile(POINT_PATTERN)
_SHOWN_CHARS: Final = 80
# An answer need not be a hundred times as long as the question.
_MAX_FAULTS: Final = 50


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
    required: bool = False


def quote_value(value: str) -> str:
    """A value as an error may quote it: cut, and with what cannot be encoded written as an escape."""
    return repr(value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…")


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number between two, both included."""

    def parse(text: str) -> int:
        # int() takes "+5", "1_0" and the digits of every script; a URL has ASCII ones.
        number = int(text) if _INTEGER.fullmatch(text) else -1
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {quote_value(text)}")
        return number

    return parse


def one_of(words: Sequence[str]) -> Callable[[str], str]:
    """Reads one of some words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {quote_value(text)}")
        return text

    return parse


def text_value(value: str) -> str:
    """Any text that is not too long."""
    if len(value) > MAX_TEXT_CHARS:
        raise ValueError(f"must have at most {MAX_TEXT_CHARS} characters, not {len(value)}")
    return value


def flag_value(text: str) -> bool:
    """`true` or `false`."""
    return _WORDS_OF_BOOL[one_of(tuple(_WORDS_OF_BOOL))(text)]


def number_value(text: str) -> str:
    """A leading space is the `+` of a number that a URL decoded."""
    if len(text) > MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text):
        wanted = "an E.164 number (+14155550100, in a URL %2B14155550100) or a short or internal one"
        raise ValueError(
            f"must be {wanted} of at most {MAX_NUMBER_CHARS} characters, not {quote_value(text)}"
        )
    return normalise_number("+" + text[1:] if text.startswith(" ") else text)


def instant_value(text: str) -> int:
    """A time as `calls.times` reads it, in microseconds."""
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise ValueError(f"is {quote_value(text)}: {fault}") from fault


def id_value(text: str) -> bytes:
    """The 16 bytes of a call's id."""
    found = parse_uuid(text)
    if found is None:
        raise ValueError(f"must be the id of a call (a UUID), not {quote_value(text)}")
    return found


def token_value(text: str) -> str:
    """What has the form of a token of ours: only the ledger can tell whether it is one."""
    if not _TOKEN.fullmatch(text):
        raise ValueError(f"must be the snapshot of an earlier answer, not {quote_value(text)}")
    return text


def text_matching(pattern: re.Pattern[str], what: str, most_chars: int) -> Callable[[str], str]:
    """Reads what is of a pattern as a whole; `what` says so in words."""

    def parse(text: str) -> str:
        if len(text) > most_chars or not pattern.fullmatch(text):
            raise ValueError(f"must be {what} of at most {most_chars} characters, not {quote_value(text)}")
        return text

    return parse


def words_schema(words: Sequence[str], **more: str) -> dict[str, Any]:
    """One of some words."""
    return {"type": "string", "enum": list(words), **more}


def range_schema(low: int, high: int, default: int) -> dict[str, Any]:
    """A whole number between two."""
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


def text_schema(most_chars: int, pattern: str) -> dict[str, Any]:
    """Text of a pattern, not empty."""
    return {"type": "string", "minLength": 1, "maxLength": most_chars, "pattern": pattern}


def read_values(pairs: Sequence[tuple[str, str]], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """The values of decoded pairs by the fields they fill; raises InvalidInput with every fault in them."""
    values, faults = read_all(pairs, known)
    raise_faults(faults)
    return values


def read_all(
    pairs: Sequence[tuple[str, str]], known: Mapping[str, Parameter]
) -> tuple[dict[str, Any], list[Fault]]:
    """The values that could be read, and what is wrong with the others."""
    # Most are right, and to say so costs less than to look for what is wrong.
    names = {name for name, _ in pairs}
    is_plain = len(names) == len(pairs) and names <= known.keys()
    faults = [] if is_plain else [*_unknown(pairs, known), *_repeated(pairs, known)]
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name in known:
            _read(known[name], text, values, faults)
    return values, faults


def raise_faults(faults: Sequence[Fault]) -> None:
    """Raise InvalidInput where there are any."""
    if faults:
        raise InvalidInput("; ".join(fault.detail for fault in faults[:5]), tuple(faults[:_MAX_FAULTS]))


def _unknown(pairs: Sequence[tuple[str, str]], known: Mapping[str, Parameter]) -> Iterable[Fault]:
    for name in dict.fromkeys(name for name, _ in pairs if name not in known):
        detail = f"there is no parameter {quote_value(name)}; those that exist are {', '.join(known)}"
        yield Fault(quote_value(name)[1:-1], detail)


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
        raise ValueError(f"holds a NUL or half of a surrogate pair: {quote_value(text)}")
    return text
