"""Query parameters: declared once, parsed for the handlers and published by OpenAPI.

No value is clamped or ignored: a misspelt filter must not return everything. The error lists all faults at
once, each with the name of its parameter.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from calltally.calls.errors import Fault, InvalidInput
from calltally.calls.identity import parse_uuid
from calltally.calls.phone import LEADING, MAX_NUMBER_CHARS, is_shortened, plain_number, searched_number
from calltally.calls.suggestions import did_you_mean, unknown_parameter_hint
from calltally.calls.times import parse_instant
from calltally.calls.wire_types import TIME_OR_DATE_SCHEMA

MAX_TEXT_CHARS: Final = 200
# A letter for the kind, and 20 bytes in base32 (see store.tokens).
SNAPSHOT_PATTERN: Final = "s[a-z2-7]{32}"
POINT_PATTERN: Final = "[sp][a-z2-7]{32}"

_WORDS_OF_BOOL: Final = {"true": True, "false": False}
_INTEGER: Final = re.compile(r"[0-9]{1,19}")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_PUNCTUATION: Final = r"[ ().\-/]*"
NUMBER_PATTERN: Final = (
    rf"(?: *\+| ){_PUNCTUATION}[1-9](?:{_PUNCTUATION}[0-9]){{6,14}}{_PUNCTUATION}"
    rf"|(?:[{LEADING}][{LEADING} ]*)?[^\u0000-\u0020\u007f+\uff0b{LEADING}][^\u0000-\u001f\u007f]*"
)
_NUMBER: Final = re.compile(NUMBER_PATTERN)
_IS_SHORTENED: Final = (
    "a spreadsheet has rounded it; format the cell as text or as a number without decimals, and copy it again"
)
_TOKEN: Final = re.compile(POINT_PATTERN)
_MAX_QUOTED_CHARS: Final = 80
# A response must not be a hundred times as long as its request.
_MAX_FAULTS: Final = 50


class Parameter(NamedTuple):
    """Query parameter, and the field of the query that it fills.

    `parse` takes the text as sent. It raises ValueError with a text that completes "<name> …".
    """

    name: str
    field: str
    meaning: str
    schema: Mapping[str, Any]
    example: str
    parse: Callable[[str], Any]
    is_repeatable: bool = False
    is_for_admin: bool = False
    required: bool = False


def quote_value(value: str) -> str:
    """Return a value quoted for an error message: shortened, with unencodable characters escaped."""
    return repr(value if len(value) <= _MAX_QUOTED_CHARS else value[:_MAX_QUOTED_CHARS] + "…")


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of a whole number from `low` to `high`, both included."""

    def parse(text: str) -> int:
        # int() accepts "+5", "1_0" and the digits of every script; a URL has ASCII digits.
        number = int(text) if _INTEGER.fullmatch(text) else -1
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {quote_value(text)}")
        return number

    return parse


def one_of(words: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            hint = did_you_mean(text, words)
            raise ValueError(f"must be one of {', '.join(words)}, not {quote_value(text)}{hint}")
        return text

    return parse


def text_value(value: str) -> str:
    """Return a text; raises ValueError if it is too long."""
    if len(value) > MAX_TEXT_CHARS:
        raise ValueError(f"must have at most {MAX_TEXT_CHARS} characters, not {len(value)}")
    return value


def flag_value(text: str) -> bool:
    return _WORDS_OF_BOOL[one_of(tuple(_WORDS_OF_BOOL))(text)]


def number_value(text: str) -> str:
    """Parse a telephone number to search for. A leading space is a `+` that URL decoding replaced."""
    number = plain_number(text)
    if text.startswith(" ") and not number.startswith("+"):
        number = "+" + number
    if is_shortened(number):
        raise ValueError(f"is {quote_value(text)}: {_IS_SHORTENED}")
    if len(number) > MAX_NUMBER_CHARS or not _NUMBER.fullmatch(number):
        expected = "an E.164 number (+14155550100, in a URL %2B14155550100) or a short or internal one"
        raise ValueError(
            f"must be {expected} of at most {MAX_NUMBER_CHARS} characters, not {quote_value(text)}"
        )
    return searched_number(number)


def instant_value(text: str) -> int:
    """Parse a time by the rules of `calls.times` to microseconds."""
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise ValueError(f"is {quote_value(text)}: {fault}") from fault


def id_value(text: str) -> bytes:
    """Parse a call's id to its 16 bytes."""
    found = parse_uuid(text)
    if found is None:
        raise ValueError(f"must be the id of a call (a UUID), not {quote_value(text)}")
    return found


def token_value(text: str) -> str:
    """Return a text that has the form of a token; only the ledger can decide whether it is valid."""
    if not _TOKEN.fullmatch(text):
        raise ValueError(f"must be the snapshot of an earlier response, not {quote_value(text)}")
    return text


def text_matching(pattern: re.Pattern[str], description: str, max_chars: int) -> Callable[[str], str]:
    """Return a parser of a text that fully matches a pattern; errors contain the description."""

    def parse(text: str) -> str:
        if len(text) > max_chars or not pattern.fullmatch(text):
            raise ValueError(
                f"must be {description} of at most {max_chars} characters, not {quote_value(text)}"
            )
        return text

    return parse


def words_schema(words: Sequence[str], **more: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words), **more}


def range_schema(low: int, high: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


def text_schema(max_chars: int, pattern: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": max_chars, "pattern": pattern}


def one_of_parameter(name: str, meaning: str, words: Sequence[str], example: str) -> Parameter:
    """Return a parameter with one of these words as its value."""
    return Parameter(name, name, meaning, words_schema(words), example, one_of(words))


def text_parameter(name: str, meaning: str, example: str) -> Parameter:
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT_CHARS, "pattern": r"^[^\u0000]+$"}
    return Parameter(name, name, meaning, schema, example, text_value)


def instant_parameter(name: str, field: str, meaning: str, example: str) -> Parameter:
    """Return a parameter with a time or a day as its value."""
    return Parameter(name, field, meaning, TIME_OR_DATE_SCHEMA, example, instant_value)


def read_values(pairs: Sequence[tuple[str, str]], declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Parse decoded pairs to values by field name; raises InvalidInput with all faults."""
    values, faults = read_all(pairs, declared)
    raise_faults(faults)
    return values


def read_all(
    pairs: Sequence[tuple[str, str]], declared: Mapping[str, Parameter]
) -> tuple[dict[str, Any], list[Fault]]:
    """Parse decoded pairs; return the valid values by field name, and the faults of the others."""
    # Most requests are valid, and this check costs less than the search for faults.
    names = {name for name, _ in pairs}
    is_plain = len(names) == len(pairs) and names <= declared.keys()
    faults = [] if is_plain else [*_unknown(pairs, declared), *_repeated(pairs, declared)]
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name in declared:
            _read(declared[name], text, values, faults)
    return values, faults


def raise_faults(faults: Sequence[Fault], error: type[InvalidInput] = InvalidInput) -> None:
    if faults:
        raise error("; ".join(fault.detail for fault in faults[:5]), tuple(faults[:_MAX_FAULTS]))


def _unknown(pairs: Sequence[tuple[str, str]], declared: Mapping[str, Parameter]) -> Iterable[Fault]:
    for name in dict.fromkeys(name for name, _ in pairs if name not in declared):
        hint = unknown_parameter_hint(name, declared)
        detail = (
            f"there is no parameter {quote_value(name)}{hint}; those that exist are {', '.join(declared)}"
        )
        yield Fault(quote_value(name)[1:-1], detail)


def _repeated(pairs: Sequence[tuple[str, str]], declared: Mapping[str, Parameter]) -> Iterable[Fault]:
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1 and name in declared and not declared[name].is_repeatable:
            yield Fault(name, f"{name} is given {count} times; give it once")


def _read(parameter: Parameter, text: str, values: dict[str, Any], faults: list[Fault]) -> None:
    try:
        value = parameter.parse(_checked(text))
    except ValueError as fault:
        faults.append(Fault(parameter.name, f"{parameter.name} {fault}"))
        return
    values[parameter.field] = values.get(parameter.field, ()) + value if parameter.is_repeatable else value


def _checked(text: str) -> str:
    if not text:
        raise ValueError("is empty; leave it out to apply no filter")
    if _UNSTORABLE.search(text):
        raise ValueError(f"contains a NUL or half of a surrogate pair: {quote_value(text)}")
    return text
