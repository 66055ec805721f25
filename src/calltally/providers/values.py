"""How values are found in providers' bodies, whatever the provider, and what is said of one that cannot be.

A provider's own words and names are tables in its folder; here and in `parsers` is what they are read with.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Said
from calltally.calls.model import FINAL
from calltally.calls.times import check_plausible
from calltally.providers.value_parsers import Parse, amount, currency

_QUOTED_CHARS: Final = 80
_ABSENT: Final = object()

T = TypeVar("T")
# A body's content by its names: texts of a form, or the values of a JSON object.
Content: TypeAlias = Mapping[str, Any]


class Field(NamedTuple):
    """One of their names, ours for it, and how its text is read. Dots in theirs lead into nests."""

    theirs: str
    ours: str
    parse: Parse[Any]


class Time(NamedTuple):
    """One of their times, ours for it, and how its text is read to microseconds."""

    theirs: str
    ours: str
    read: Parse[int]


def said_of(content: Content, fields: tuple[Field, ...], *, at_end: tuple[Field, ...] = ()) -> Said:
    """What `content` says in our terms; empty is unsaid. `at_end` is read with a final status alone.

    Of fields with the same name of ours the last that says something counts. Raises NotUnderstood that
    names the field and its value.
    """
    found = _found(content, fields)
    if found.get("status") in FINAL:
        found |= _found(content, at_end)
    return cast("Said", found)


def _found(content: Content, fields: tuple[Field, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for theirs, ours, parse in fields:
        told = content.get(theirs, _ABSENT)
        # Most fields of a record say nothing or are texts: looked at here, they cost a third of a call.
        if told is None or told == "":
            continue
        try:
            value = parse(told) if type(told) is str else value_of(content, theirs, parse)
        except (ValueError, OverflowError) as fault:
            raise _not_understood(theirs, told, fault) from fault
        if value is not None:
            found[ours] = value
    return found


def times_of(content: Content, times: tuple[Time, ...], received_us: int) -> Said:
    """The times that `content` states; raises NotUnderstood for one that cannot be."""
    found = {time.ours: instant_of(content, time.theirs, time.read, received_us) for time in times}
    return cast("Said", {name: instant for name, instant in found.items() if instant is not None})


def cost_of(content: Content, amount_name: str, currency_name: str) -> Said:
    """The money that `content` states; raises NotUnderstood."""
    text = value_of(content, amount_name, amount)
    if text is None:
        return {}
    return {"cost": {"amount": text, "currency": value_of(content, currency_name, currency)}}


def value_of(content: Content, name: str, parse: Parse[T]) -> T | None:
    """The value of one field, None where it is absent or empty; raises NotUnderstood."""
    value = content.get(name, _ABSENT)
    if value is _ABSENT:
        value = at(content, name)
    if value is None or value == "":
        return None
    try:
        text = value if type(value) is str else _text(value)
        return parse(text) if text else None
    except (ValueError, OverflowError) as fault:
        raise _not_understood(name, value, fault) from fault


def needed(content: Content, name: str, parse: Parse[T], what: str) -> T:
    """The value of a field without which nothing can be made of the body; raises NotUnderstood."""
    value = value_of(content, name, parse)
    if value is None:
        raise NotUnderstood(f"{name} is missing: {what}")
    return value


def instant_of(content: Content, name: str, read: Parse[int], received_us: int) -> int | None:
    """A time in microseconds, None where absent; raises NotUnderstood for one that cannot be."""
    instant = value_of(content, name, read)
    if instant is None:
        return None
    try:
        check_plausible(instant, received_us)
    except ValueError as fault:
        raise _not_understood(name, at(content, name), fault) from fault
    return instant


def at(content: Content, path: str) -> Any:  # noqa: ANN401 (whatever a body holds)
    """The value under a name, or under a path with dots (`legs.0.id`); None where there is none."""
    if path in content:
        return content[path]
    if "." not in path:
        return None
    value: Any = content
    for name in path.split("."):
        if isinstance(value, list):
            value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def nest_at(content: Content, path: str) -> Content:
    """The object under a path; an empty one where there is none."""
    value = at(content, path)
    return value if isinstance(value, Mapping) else {}


def flag_at(content: Content, path: str) -> bool | None:
    """The truth under a path, as JSON or as its word; None where it is not said."""
    value = at(content, path)
    return {"true": True, "false": False}.get(str(value).lower()) if isinstance(value, bool | str) else None


def _text(value: object) -> str:
    """A plain value as text: senders are of two minds about numbers. Truths and nests are unsaid."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def _not_understood(name: str, value: object, fault: Exception) -> NotUnderstood:
    return NotUnderstood(f"{name} {_quoted(value)}: {fault}")


def _quoted(value: object) -> str:
    """Enough of a value to know it by; a long number is not written out, which Python may refuse."""
    text = value if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else _whole(value)
    return repr(text if len(text) <= _QUOTED_CHARS else text[:_QUOTED_CHARS] + "…")


def _whole(value: object) -> str:
    is_long = isinstance(value, int) and value.bit_length() > _QUOTED_CHARS
    return "a number of many digits" if is_long else str(value)
