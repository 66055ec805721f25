"""Twilio's words as ours, and how each kind of value is read. What the callbacks and the API share.

Sources: Twilio's "Call resource", "StatusCallback" and "TwiML <Dial>" pages.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Said
from calltally.calls.model import FINAL, Direction, Status
from calltally.calls.phone import MAX_NUMBER_CHARS, normalise_number
from calltally.calls.times import check_plausible, parse_rfc2822

NAME: Final = "twilio"

STATUSES: Final[Mapping[str, Status]] = {
    "queued": Status.QUEUED,
    "initiated": Status.INITIATED,
    "ringing": Status.RINGING,
    # The event *answered* arrives as in-progress; some tools forward the event's name instead.
    "answered": Status.IN_PROGRESS,
    "in-progress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "failed": Status.FAILED,
    "no-answer": Status.NO_ANSWER,
    "canceled": Status.CANCELED,
}
# Told when the dialled leg is over. `answered` is its word for a conference that was joined.
DIAL_STATUSES: Final[Mapping[str, Status]] = {
    "answered": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "failed": Status.FAILED,
    "no-answer": Status.NO_ANSWER,
    "canceled": Status.CANCELED,
}
# Named from the trunk's end: what *terminates* in the telephone network left the tenant.
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
    "trunking-originating": Direction.INBOUND,
    "trunking-terminating": Direction.OUTBOUND,
}

MAX_SID_CHARS: Final = 200
_MAX_WORD_CHARS: Final = 200
_MAX_URL_CHARS: Final = 2_000
_MAX_TALK_SECONDS: Final = 30 * 86_400
_MAX_SEQUENCE: Final = 1_000_000
_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)
_WEB: Final = re.compile(r"https?://[^\s/]", re.ASCII)
_QUOTED_CHARS: Final = 80

T = TypeVar("T")
# Raises ValueError with words for the reader.
Parse: TypeAlias = Callable[[str], T]


class Field(NamedTuple):
    """One of their names, ours for it, and how its text is read."""

    theirs: str
    ours: str
    parse: Parse[Any]


def said_of(content: Mapping[str, str], fields: tuple[Field, ...], *, duration: str) -> Said:
    """What `content` says in our terms; empty is unsaid. `duration` names its seconds of talk.

    Raises NotUnderstood that names the field and its value.
    """
    found = {field.ours: value_of(content, field.theirs, field.parse) for field in fields}
    # Before the end it is the time so far, or 0: neither is the length of the call.
    if found.get("status") in FINAL:
        found["talk_seconds"] = value_of(content, duration, talk_seconds)
    return cast("Said", {name: value for name, value in found.items() if value is not None})


def value_of(content: Mapping[str, str], name: str, parse: Parse[T]) -> T | None:
    """The value of one field, None where it is absent or empty; raises NotUnderstood."""
    text = content.get(name, "")
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as fault:
        raise NotUnderstood(f"{name} {_quoted(text)}: {fault}") from fault


def instant_of(content: Mapping[str, str], name: str, received_us: int) -> int | None:
    """A time of e-mail's form in microseconds, None where absent; raises NotUnderstood."""

    def parse(text: str) -> int:
        try:
            instant = parse_rfc2822(text)
        except (ValueError, OverflowError) as fault:
            raise ValueError("not an RFC 2822 time") from fault
        check_plausible(instant, received_us)
        return instant

    return value_of(content, name, parse)


def one_of(words: Mapping[str, T]) -> Parse[T]:
    """Reads a word by its table."""

    def parse(text: str) -> T:
        if text not in words:
            raise ValueError(f"not one of {', '.join(words)}")
        return words[text]

    return parse


def up_to(most_chars: int) -> Parse[str]:
    """Reads text of a bounded length."""

    def parse(text: str) -> str:
        if len(text) > most_chars:
            raise ValueError(f"{len(text)} characters, more than {most_chars}")
        if "\0" in text:
            raise ValueError("holds a NUL character")
        return text

    return parse


def between(least: int, most: int) -> Parse[int]:
    """Reads a whole number within bounds."""

    def parse(text: str) -> int:
        if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"not a whole number from {least} to {most}")
        return int(text)

    return parse


def number(text: str) -> str:
    """Reads a party: E.164 where it is that; `client:…`, `sip:…` and short numbers as they came."""
    return normalise_number(_party(text))


def link(text: str) -> str:
    """Reads a web address; whatever else a browser would run must not become a link in a page."""
    if not _WEB.match(text):
        raise ValueError("not an http or https address")
    return _url(text)


sid: Final = up_to(MAX_SID_CHARS)
word: Final = up_to(_MAX_WORD_CHARS)
sequence: Final = between(0, _MAX_SEQUENCE)
sip_code: Final = between(100, 699)
talk_seconds: Final = between(0, _MAX_TALK_SECONDS)
_url: Final = up_to(_MAX_URL_CHARS)
_party: Final = up_to(MAX_NUMBER_CHARS)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _QUOTED_CHARS else text[:_QUOTED_CHARS] + "…")
