"""Access to values in providers' bodies, and errors for unreadable ones.

Each provider's folder has tables of its names and words. This module and `value_parsers` apply them.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import UNREAD, StatedFields
from calltally.calls.model import FINAL
from calltally.calls.times import check_plausible
from calltally.providers.value_parsers import Parse, amount, currency

_QUOTED_CHARS: Final = 80
_ABSENT: Final = object()

T = TypeVar("T")
# A body's content by its names: texts of a form, or the values of a JSON object.
Content: TypeAlias = Mapping[str, Any]
# Targets whose unreadable values refuse a fact, as ids and times do. All other values are left out.
_REQUIRED: Final = frozenset({"status"})


class FieldRule(NamedTuple):
    """A provider's field name, our field, and the parser. Dots in the name lead into nested objects."""

    source_name: str
    target: str
    parse: Parse[Any]


class TimeRule(NamedTuple):
    """A provider's field name of a time, our field, and the parser to microseconds."""

    source_name: str
    target: str
    read: Parse[int]


def parsed_fields(
    content: Content, fields: tuple[FieldRule, ...], *, at_end: tuple[FieldRule, ...] = ()
) -> StatedFields:
    """Parse the fields of `content`; empty values are left out. `at_end` needs a final status.

    If several rules have the same target, the last readable value counts. An unreadable value is left out and
    named in `unread_fields`, so that it does not cost the rest. An unreadable status raises NotUnderstood
    with the name and value of its field.
    """
    parsed = _parse_all(content, fields)
    if at_end and parsed.get("status") in FINAL:
        return merged(cast("StatedFields", parsed), cast("StatedFields", _parse_all(content, at_end)))
    return cast("StatedFields", parsed)


def _parse_all(content: Content, fields: tuple[FieldRule, ...]) -> dict[str, Any]:
    parsed: dict[str, Any] = {}
    for source_name, target, parse in fields:
        raw = content.get(source_name, _ABSENT)
        # Most fields are empty or text: inline checks take a third of the time of a function call.
        if raw is None or raw == "":
            continue
        try:
            value = parse(raw) if type(raw) is str else value_of(content, source_name, parse)
        except (ValueError, OverflowError, NotUnderstood) as fault:
            if target in _REQUIRED:
                raise _unreadable(content, source_name, fault) from fault
            parsed[UNREAD] = [*parsed.get(UNREAD, ()), source_name]
            continue
        if value is not None:
            parsed[target] = value
    return parsed


def _unreadable(content: Content, name: str, fault: Exception) -> NotUnderstood:
    return fault if isinstance(fault, NotUnderstood) else _value_error(name, value_at(content, name), fault)


def merged(*statements: StatedFields) -> StatedFields:
    """Return the fields of all statements. The later of two values wins; `unread_fields` add up."""
    unread = [name for each in statements for name in each.get(UNREAD, ())]
    result: StatedFields = {}
    for each in statements:
        result.update(each)
    if unread:
        result[UNREAD] = unread
    return result


def times_of(content: Content, times: tuple[TimeRule, ...], received_us: int) -> StatedFields:
    """Return the times in `content`; raise NotUnderstood for an implausible one."""
    parsed = {time.target: instant_of(content, time.source_name, time.read, received_us) for time in times}
    return cast("StatedFields", {name: instant for name, instant in parsed.items() if instant is not None})


def cost_of(content: Content, amount_name: str, currency_name: str) -> StatedFields:
    """Return the cost in `content`. An unreadable amount or currency is left out."""
    rules = (FieldRule(amount_name, "amount", amount), FieldRule(currency_name, "currency", currency))
    parsed = _parse_all(content, rules)
    statement: StatedFields = {UNREAD: parsed[UNREAD]} if UNREAD in parsed else {}
    if "amount" in parsed:
        statement["cost"] = {"amount": parsed["amount"], "currency": parsed.get("currency")}
    return statement


def optional_value(content: Content, name: str, parse: Parse[T], statement: StatedFields) -> T | None:
    """Return the value of one field, None if absent or unreadable; `statement` then names the field."""
    try:
        return value_of(content, name, parse)
    except NotUnderstood:
        statement[UNREAD] = [*statement.get(UNREAD, ()), name]
        return None


def value_of(content: Content, name: str, parse: Parse[T]) -> T | None:
    """Return the value of one field, None if it is absent or empty; raise NotUnderstood."""
    value = content.get(name, _ABSENT)
    if value is _ABSENT:
        value = value_at(content, name)
    if value is None or value == "":
        return None
    try:
        text = value if type(value) is str else _text(value)
        return parse(text) if text else None
    except (ValueError, OverflowError) as fault:
        raise _value_error(name, value, fault) from fault


def required_value(content: Content, name: str, parse: Parse[T], missing: str) -> T:
    """Return the value of a required field; raise NotUnderstood if it is missing or unreadable."""
    value = value_of(content, name, parse)
    if value is None:
        raise NotUnderstood(f"{name} is missing: {missing}")
    return value


def instant_of(content: Content, name: str, read: Parse[int], received_us: int) -> int | None:
    """Return a time in microseconds, None if absent; raise NotUnderstood for an implausible one."""
    instant = value_of(content, name, read)
    if instant is None:
        return None
    try:
        check_plausible(instant, received_us)
    except ValueError as fault:
        raise _value_error(name, value_at(content, name), fault) from fault
    return instant


def value_at(content: Content, path: str) -> Any:  # noqa: ANN401 (whatever a body holds)
    """Return the value under a name or a path with dots (`legs.0.id`); None if there is none."""
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


def object_at(content: Content, path: str) -> Content:
    """Return the object under a path; an empty one if there is none."""
    value = value_at(content, path)
    return value if isinstance(value, Mapping) else {}


def flag_at(content: Content, path: str) -> bool | None:
    """Return the boolean under a path, as JSON or as a word; None if absent."""
    value = value_at(content, path)
    return {"true": True, "false": False}.get(str(value).lower()) if isinstance(value, bool | str) else None


def _text(value: object) -> str:
    """Return a value as text: senders write numbers both ways. Booleans and nested values count as empty."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def _value_error(name: str, value: object, fault: Exception) -> NotUnderstood:
    return NotUnderstood(f"{name} {_quoted(value)}: {fault}")


def _quoted(value: object) -> str:
    """Return the start of a value for an error. Python may refuse to format a long number."""
    text = (
        value
        if isinstance(value, str)
        else f"{value:.6g}"
        if isinstance(value, float)
        else _number_text(value)
    )
    return repr(text if len(text) <= _QUOTED_CHARS else text[:_QUOTED_CHARS] + "…")


def _number_text(value: object) -> str:
    is_long = isinstance(value, int) and value.bit_length() > _QUOTED_CHARS
    return "a number of many digits" if is_long else str(value)
